//! The official verdict on a prediction: execution match, exact match, hardness.

use std::{
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
    keys::{SameColumns, read_foreign_keys},
    parse::parse,
    schema::Schema,
};

/// The verdict on one prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How hard the question is; `None` where the official parser fails on the gold query.
    pub hardness: Option<Hardness>,
    /// The official marks, for the prediction as the official evaluator alters it: it replaces `value` by `1` wherever
    /// that occurs, within names too.
    pub official: Marks,
    /// The marks of the prediction as it was written.
    pub clean: Marks,
    /// What came of executing the prediction, by [`Outcome::kind`](crate::sql::Outcome::kind).
    pub outcome: &'static str,
    /// What came of executing the prediction as it was written.
    pub clean_outcome: &'static str,
    /// The error's text then, where there is one.
    pub message: Option<String>,
    /// What went wrong with the gold query, if something did. The official evaluator ends there.
    pub gold_problem: Option<String>,
}

/// What a prediction achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Execution match.
    pub exec: bool,
    /// Exact set match.
    pub exact: bool,
    /// Whether the official parser understands it.
    pub parsed: bool,
}

/// Judges predictions on the databases of one data folder, as `test-suite-sql-eval` does.
#[derive(Debug)]
pub struct Judge {
    sandbox: Sandbox,
    options: ExecutionOptions,
    root: PathBuf,
    foreign_keys: Option<HashMap<String, SameColumns>>,
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
        let foreign_keys = Some(read_foreign_keys(&root.join("tables.json"))?);
        Ok(Self { sandbox, options, root: root.to_owned(), foreign_keys, places: Mutex::default() })
    }

    /// As [`Judge::new`], for a folder that may lack `tables.json`: exact marks then know no foreign keys, and are not to be reported.
    ///
    /// # Errors
    /// See [`TablesError`]; a file that is there has to be good.
    pub fn with_or_without_tables(
        root: &Path,
        sandbox: Sandbox,
        options: ExecutionOptions,
    ) -> Result<Self, TablesError> {
        if root.join("tables.json").exists() {
            return Self::new(root, sandbox, options);
        }
        Ok(Self { sandbox, options, root: root.to_owned(), foreign_keys: None, places: Mutex::default() })
    }

    /// Whether there is a `tables.json`, without which exact marks mean nothing.
    pub fn has_tables(&self) -> bool {
        self.foreign_keys.is_some()
    }

    /// Whether there is a folder for this database.
    pub fn has_database(&self, db_id: &str) -> bool {
        database_folder(&self.root, db_id).is_some_and(|folder| folder.is_dir())
    }

    /// The verdict on a prediction.
    pub fn verdict(&self, db_id: &str, gold: &str, predicted: &str) -> Verdict {
        let place = self.place(db_id);
        let none = SameColumns::new();
        let same = self.foreign_keys.as_ref().and_then(|keys| keys.get(db_id)).unwrap_or(&none);
        let tree = parse(&place.schema, gold);
        let hardness = tree.as_ref().map(hardness);
        let gold_tree = tree.map(|tree| canonical(tree, same, &place.schema));
        let marks = |text: &str| -> (Marks, ExecutionMatch) {
            let execution = execution_match(&self.sandbox, &place.databases, gold, text, self.options);
            let tree = parse(&place.schema, text).map(|tree| canonical(tree, same, &place.schema));
            let exact = matches!((&gold_tree, &tree), (Some(gold), Some(tree)) if exact_match(gold, tree));
            (Marks { exec: execution.matches, exact, parsed: tree.is_some() }, execution)
        };
        let altered = altered(predicted);
        let (official, execution) = marks(&altered);
        let (outcome, gold_problem) = (execution.outcome, execution.gold_problem.clone());
        let (clean, as_written) = if altered == predicted { (official, execution) } else { marks(predicted) };
        let ExecutionMatch { outcome: clean_outcome, message, .. } = as_written;
        Verdict { hardness, official, clean, outcome, clean_outcome, message, gold_problem }
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
fn altered(predicted: &str) -> String {
    predicted.replace("value", "1")
}

#[cfg(test)]
mod tests;
