//! What the model is asked: the schema, read from the database itself, and the question, in the form of a template.

mod fit;
mod template;

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use template::Template;

use super::{
    DataError, Example,
    schema::{Schema, Table, find_values, read_schema, sample_values},
};
use crate::{settings::PromptSettings, sql::prefix::Names};

/// What a model is given: a chat's first messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptText {
    /// The system's message, if the template has one.
    pub system: Option<String>,
    /// The user's message.
    pub user: String,
}

/// Makes prompts, reading each database's schema once.
#[derive(Debug)]
pub struct Prompts {
    template: Template,
    sample_values: usize,
    max_schema_tokens: Option<usize>,
    databases: Mutex<HashMap<PathBuf, Arc<Known>>>,
}

/// What is known of a database; what costs time only where it was needed.
#[derive(Debug, Default)]
struct Known {
    schema: Schema,
    values: OnceLock<HashMap<String, BTreeSet<usize>>>,
    costs: OnceLock<fit::Costs>,
}

impl Prompts {
    /// Prompts as the settings ask for.
    ///
    /// # Errors
    /// [`DataError::Template`].
    pub fn new(settings: &PromptSettings) -> Result<Self, DataError> {
        Ok(Self {
            template: Template::new(settings)?,
            sample_values: settings.sample_values,
            max_schema_tokens: settings.max_schema_tokens,
            databases: Mutex::default(),
        })
    }

    /// The prompt with the whole schema.
    ///
    /// # Errors
    /// [`DataError::Schema`], [`DataError::Template`].
    pub fn whole(&self, example: &Example) -> Result<PromptText, DataError> {
        self.template.render(&self.known(&example.database)?.schema, example)
    }

    /// The prompt with as much of the schema as `prompt.max_schema_tokens` allows; `count` counts a text's tokens.
    ///
    /// # Errors
    /// As [`Prompts::whole`], and what `count` fails with.
    pub fn within<E: From<DataError>>(
        &self,
        example: &Example,
        count: &dyn Fn(&str) -> Result<usize, E>,
    ) -> Result<PromptText, E> {
        let Some(budget) = self.max_schema_tokens else { return Ok(self.whole(example)?) };
        let known = self.known(&example.database)?;
        let measure = |schema: &Schema| -> Result<usize, E> {
            let text = self.template.render(schema, &Example::default())?;
            Ok(count(&text.user)? + text.system.map_or(Ok(0), |system| count(&system))?)
        };
        let costs = known.costs(&measure)?;
        if costs.whole <= budget {
            return Ok(self.template.render(&known.schema, example)?);
        }
        let rank = fit::rank(&known.schema, known.values(&example.database)?, example);
        let kept = fit::keep(&known.schema, costs, &rank, budget, &measure)?;
        Ok(self.template.render(&known.schema.only(&kept), example)?)
    }

    /// The names of a database, all of them, whatever the prompt has room for.
    ///
    /// # Errors
    /// [`DataError::Schema`].
    pub fn names(&self, database: &Path) -> Result<Names, DataError> {
        let known = self.known(database)?;
        let columns = |table: &'_ Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let tables: Vec<_> = known.schema.tables.iter().map(|table| (table.name.as_str(), columns(table))).collect();
        Ok(Names::new(tables.iter().map(|(name, columns)| (*name, columns.iter().map(String::as_str)))))
    }

    fn known(&self, database: &Path) -> Result<Arc<Known>, DataError> {
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = databases.get(database) {
            return Ok(Arc::clone(known));
        }
        let schema = read_schema(database).and_then(|mut schema| {
            if self.sample_values > 0 {
                sample_values(&mut schema, database, self.sample_values)?;
            }
            Ok(schema)
        });
        let schema = schema.map_err(|source| unreadable(database, source))?;
        let known = Arc::new(Known { schema, ..Known::default() });
        databases.insert(database.to_owned(), Arc::clone(&known));
        Ok(known)
    }
}

impl Known {
    fn costs<E>(&self, measure: &dyn Fn(&Schema) -> Result<usize, E>) -> Result<&fit::Costs, E> {
        if let Some(costs) = self.costs.get() {
            return Ok(costs);
        }
        let costs = fit::Costs::measure(&self.schema, measure)?;
        Ok(self.costs.get_or_init(|| costs))
    }

    fn values(&self, database: &Path) -> Result<&HashMap<String, BTreeSet<usize>>, DataError> {
        if let Some(values) = self.values.get() {
            return Ok(values);
        }
        let values = find_values(&self.schema, database).map_err(|source| unreadable(database, source))?;
        Ok(self.values.get_or_init(|| values))
    }
}

fn unreadable(database: &Path, source: rusqlite::Error) -> DataError {
    DataError::Schema { database: database.to_owned(), source }
}

#[cfg(test)]
mod tests;
