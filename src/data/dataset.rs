//! The questions of a run.

use std::path::PathBuf;

use super::{
    DataError, Flaw, Place, Questions, Split,
    gold::{GoldReport, usable_examples},
};
use crate::{settings::DataSettings, sql::Sandbox};

/// A question with its database and its gold query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    /// Index of the entry in its file, from 0; `train_others.json` counts on from `train_spider.json`.
    pub id: usize,
    /// Name of the database.
    pub db_id: String,
    /// The database file.
    pub database: PathBuf,
    /// The question.
    pub question: String,
    /// The query that answers it.
    pub gold_sql: String,
    /// What the question takes for known: facts about the data, or how something is computed (BIRD).
    pub evidence: Option<String>,
    /// How hard it is as BIRD says it: simple, moderate or challenging.
    pub difficulty: Option<String>,
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
    /// What was left out because it cannot be used; empty unless `skip_bad` is set.
    pub skipped: Vec<String>,
}

impl Dataset {
    /// Reads both splits as they are; of the training questions the first `limit`.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn load(settings: &DataSettings) -> Result<Self, DataError> {
        let mut dataset = Self::read(settings)?;
        dataset.train.truncate(settings.limit.unwrap_or(usize::MAX));
        Ok(dataset)
    }

    /// Reads both splits and, unless `check_gold` is off, leaves out the training questions whose gold query fails or
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
            let (checked, failed, empty) = (report.checked, report.failed.len(), report.empty.len());
            return Err(DataError::NothingLeft { root: dataset.root, checked, failed, empty });
        }
        Ok((dataset, report))
    }

    /// Reads one split; with `skip_bad` the list says what was left out.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn load_split(settings: &DataSettings, split: Split) -> Result<(Vec<Example>, Vec<String>), DataError> {
        let root = settings.root.as_deref().ok_or(DataError::NoRoot)?;
        let place = Place::find(root, split, split.file(settings))?;
        let questions = Questions::read(&place, split)?;
        let (count, entries) = (questions.flaws.len(), questions.entries());
        let first = questions.flaws.first().cloned();
        if questions.examples.is_empty() {
            return Err(DataError::Empty { file: place.files[0].clone(), first });
        }
        match first {
            Some(first) if !settings.skip_bad => Err(DataError::Flawed { first, count, entries }),
            _ => Ok((questions.examples, told(&questions.flaws, split, entries))),
        }
    }

    /// Without usable held-out questions a run can do, if it must; without training questions it cannot.
    fn read(settings: &DataSettings) -> Result<Self, DataError> {
        let root = settings.root.clone().ok_or(DataError::NoRoot)?;
        let (train, mut skipped) = Self::load_split(settings, Split::Train)?;
        let dev = match Self::load_split(settings, Split::Dev) {
            Ok((dev, more)) => {
                skipped.extend(more);
                dev
            }
            Err(error) if settings.skip_bad => {
                skipped.push(format!("no held-out questions: {error}"));
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        Ok(Self { root, train, dev, skipped })
    }
}

/// Flaws that are told one by one.
const TOLD: usize = 5;

fn told(flaws: &[Flaw], split: Split, entries: usize) -> Vec<String> {
    if flaws.is_empty() {
        return Vec::new();
    }
    let first = format!("left out as unusable: {} of {entries} {split} entries", flaws.len());
    let more = (flaws.len() > TOLD).then(|| format!("... and {} more", flaws.len() - TOLD));
    std::iter::once(first).chain(flaws.iter().take(TOLD).map(ToString::to_string)).chain(more).collect()
}

#[cfg(test)]
mod tests;
