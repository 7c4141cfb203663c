//! The questions of a run.

use std::path::PathBuf;

use super::{
    DataError,
    gold::{GoldReport, usable_examples},
    read::read_examples,
};
use crate::{settings::DataSettings, sql::Sandbox};

/// A question with its database and its gold query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Index of the entry in its file, from 0.
    pub id: usize,
    /// Name of the database.
    pub db_id: String,
    /// The database file.
    pub database: PathBuf,
    /// The question.
    pub question: String,
    /// The query that answers it.
    pub gold_sql: String,
}

/// Training and held-out questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The data folder.
    pub root: PathBuf,
    /// Questions to train on, in the file's order.
    pub train: Vec<Example>,
    /// Held-out questions, in the file's order, all of them.
    pub dev: Vec<Example>,
}

impl Dataset {
    /// Reads both files as they are; of the training questions the first `limit`.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn load(settings: &DataSettings) -> Result<Self, DataError> {
        let mut dataset = Self::read(settings)?;
        dataset.train.truncate(settings.limit.unwrap_or(usize::MAX));
        Ok(dataset)
    }

    /// Reads both files and, unless `check_gold` is off, leaves out the training questions whose gold query fails or
    /// returns nothing: an empty result would reward every query that finds nothing. `limit` counts what is left.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn load_checked(settings: &DataSettings, sandbox: &Sandbox) -> Result<(Self, GoldReport), DataError> {
        if !settings.check_gold {
            return Ok((Self::load(settings)?, GoldReport::default()));
        }
        let mut dataset = Self::read(settings)?;
        let (train, report) = usable_examples(&dataset.train, settings.limit, sandbox);
        dataset.train = train;
        if dataset.train.is_empty() {
            let file = dataset.root.join(&settings.train_file);
            let (checked, failed, empty) = (report.checked, report.failed.len(), report.empty.len());
            return Err(DataError::NothingLeft { file, checked, failed, empty });
        }
        Ok((dataset, report))
    }

    fn read(settings: &DataSettings) -> Result<Self, DataError> {
        let root = settings.root.clone().ok_or(DataError::NoRoot)?;
        let train = read_examples(&root, &settings.train_file, "data.train_file")?;
        let dev = read_examples(&root, &settings.dev_file, "data.dev_file")?;
        Ok(Self { root, train, dev })
    }
}

#[cfg(test)]
mod tests;
