//! The level of a gold query by itself, without a prediction to judge.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{Hardness, hardness::hardness, parse::parse, schema::Schema};

/// Tells how hard questions are, reading each database's schema once.
#[derive(Debug, Default)]
pub struct Levels {
    schemas: Mutex<HashMap<PathBuf, Arc<Schema>>>,
}

impl Levels {
    /// The level of a gold query; `None` where the official parser fails on it, or the database cannot be read.
    pub fn of(&self, database: &Path, gold: &str) -> Option<Hardness> {
        parse(&self.schema(database), gold).as_ref().map(hardness)
    }

    fn schema(&self, database: &Path) -> Arc<Schema> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = schemas.get(database) {
            return Arc::clone(schema);
        }
        // Without tables no query parses, which is what the level of a query on a broken database comes to.
        let schema = Arc::new(Schema::read(database).unwrap_or_default());
        schemas.insert(database.to_owned(), Arc::clone(&schema));
        schema
    }
}
