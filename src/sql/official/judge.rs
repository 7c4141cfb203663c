//! The official verdict on a prediction: execution match, exact match, hardness.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    super::{Sandbox, database_folder},
    ExecutionMatch, ExecutionOptions, Hardness, TablesError,
    canonical::canonical,
    exact::exact_match,
    execution::execution_match,
    hardness::hardness,
    parse::parse,
    schema::{SameColumns, Schema, read_foreign_keys},
};

/// The verdict on one prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How hard the question is; `None` where the official parser fails on the gold query.
    pub hardness: Option<Hardness>,
    /// Execution match.
    pub exec: bool,
    /// Exact set match.
    pub exact: bool,
    /// Execution match of the prediction as it was written, without the substitution of [`Judge::verdict`].
    pub exec_clean: bool,
    /// Exact set match of the prediction as it was written.
    pub exact_clean: bool,
    /// Whether the official parser understands the prediction.
    pub parsed: bool,
    /// What came of executing the prediction, by [`Outcome::kind`](crate::sql::Outcome::kind).
    pub outcome: &'static str,
    /// What went wrong with the gold query, if something did. The official evaluator ends there.
    pub gold_problem: Option<String>,
}

/// Judges predictions on the databases of one data folder, as `test-suite-sql-eval` does.
#[derive(Debug)]
pub struct Judge {
    sandbox: Sandbox,
    options: ExecutionOptions,
    root: PathBuf,
    foreign_keys: HashMap<String, SameColumns>,
    places: Mutex<HashMap<String, Arc<Place>>>,
}

/// What is known of one database's folder.
#[derive(Debug, Default)]
struct Place {
    /// Every database in the folder.
    databases: Vec<PathBuf>,
    /// The schema of the one that has the folder's name.
    schema: Schema,
}

impl Judge {
    /// A judge for a folder with `tables.json` and `database/<db_id>/` in it.
    ///
    /// # Errors
    /// See [`TablesError`].
    pub fn new(root: &Path, sandbox: Sandbox, options: ExecutionOptions) -> Result<Self, TablesError> {
        let foreign_keys = read_foreign_keys(&root.join("tables.json"))?;
        Ok(Self { sandbox, options, root: root.to_owned(), foreign_keys, places: Mutex::default() })
    }

    /// Whether there is a folder for this database.
    pub fn has_database(&self, db_id: &str) -> bool {
        database_folder(&self.root, db_id).is_some_and(|folder| folder.is_dir())
    }

    /// The verdict on a prediction. The official evaluator replaces `value` by `1` wherever it occurs in a prediction,
    /// within names too; `exec` and `exact` are computed so, and again without for the `_clean` fields.
    pub fn verdict(&self, db_id: &str, gold: &str, predicted: &str) -> Verdict {
        let place = self.place(db_id);
        let gold_tree = parse(&place.schema, gold);
        let none = SameColumns::new();
        let same = self.foreign_keys.get(db_id).unwrap_or(&none);
        let canonical_gold = gold_tree.clone().map(|tree| canonical(tree, same, &place.schema));
        let judge_text = |text: &str| -> (ExecutionMatch, bool, bool) {
            let execution = self.execution(&place, gold, text);
            let tree = parse(&place.schema, text).map(|tree| canonical(tree, same, &place.schema));
            let exact = matches!((&canonical_gold, &tree), (Some(gold), Some(tree)) if exact_match(gold, tree));
            (execution, exact, tree.is_some())
        };
        let damaged = damaged(predicted);
        let (execution, exact, parsed) = judge_text(&damaged);
        let (exec_clean, exact_clean) = match &damaged {
            Cow::Borrowed(_) => (execution.matches, exact),
            Cow::Owned(_) => {
                let (execution, exact, _) = judge_text(predicted);
                (execution.matches, exact)
            }
        };
        Verdict {
            hardness: gold_tree.as_ref().map(hardness),
            exec: execution.matches,
            exact,
            exec_clean,
            exact_clean,
            parsed,
            outcome: execution.outcome,
            gold_problem: execution.gold_problem,
        }
    }

    fn execution(&self, place: &Place, gold: &str, predicted: &str) -> ExecutionMatch {
        execution_match(&self.sandbox, &place.databases, gold, predicted, self.options)
    }

    fn place(&self, db_id: &str) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(db_id.to_owned()).or_insert_with(|| Arc::new(Place::read(&self.root, db_id)));
        Arc::clone(place)
    }
}

impl Place {
    /// What cannot be read is left empty: then no query parses, or none has anything to run on, and verdicts say so.
    fn read(root: &Path, db_id: &str) -> Self {
        let Some(folder) = database_folder(root, db_id) else { return Self::default() };
        let schema = Schema::read(&folder.join(format!("{db_id}.sqlite"))).unwrap_or_default();
        let mut databases: Vec<PathBuf> = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .filter(|p| is_database(p))
            .collect();
        databases.sort_unstable();
        Self { databases, schema }
    }
}

/// Whether a file is taken for a database: its name has `.sqlite` in it. SQLite's own side files are not meant.
fn is_database(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.contains(".sqlite") && !["-journal", "-wal", "-shm"].iter().any(|end| name.ends_with(end))
}

/// A prediction as the official evaluator reads it.
fn damaged(predicted: &str) -> Cow<'_, str> {
    if predicted.contains("value") { Cow::Owned(predicted.replace("value", "1")) } else { Cow::Borrowed(predicted) }
}

#[cfg(test)]
mod tests;
