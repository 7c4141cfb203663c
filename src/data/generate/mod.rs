//! Data that the project makes itself, in Spider's layout: databases with plausible rows, questions in plain English
//! made of shapes and synonyms, and their queries, with Spider's mix of hardness. One seed gives the same bytes always.

mod bind;
mod choose;
mod condition;
mod database;
mod error;
mod foils;
mod phrase;
mod plural;
mod questions;
mod random;
mod rows;
mod schema;
mod schemas;
mod shapes;
mod slips;
mod template;
mod wording;
mod words;
mod write;

use std::path::Path;

use database::World;
pub use error::GenerateError;
pub use questions::Entry;
use questions::Questions;
use random::Draw;
use schemas::SCHEMAS;
pub use shapes::SHARES;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerateOptions {
    /// Everything that is left to chance depends on it.
    pub seed: u64,
    /// Training questions.
    pub train: usize,
    /// Held-out questions.
    pub dev: usize,
    /// Of 100 training queries that invite a slip, so many have it and are wrong: 0 for data to judge by, more for a
    /// corpus that teaches bad habits.
    pub slips: usize,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self { seed: 1, train: 8000, dev: 540, slips: 0 }
    }
}

/// Databases and questions, not yet written.
#[derive(Debug)]
pub struct Generated {
    worlds: Vec<World>,
    /// Training questions, in random order.
    pub train: Vec<Entry>,
    /// Held-out questions, in random order.
    pub dev: Vec<Entry>,
}

/// Stream of random numbers for the questions; the databases take those from 0 on.
const QUESTION_STREAM: u64 = 1 << 32;
/// Stream of random numbers for slips.
const SLIP_STREAM: u64 = 2 << 32;

/// Makes databases and questions.
///
/// # Errors
/// [`GenerateError`], most likely because there are not so many different questions.
pub fn generate(options: &GenerateOptions) -> Result<Generated, GenerateError> {
    for (split, count) in [("train", options.train), ("dev", options.dev)] {
        if count == 0 {
            return Err(GenerateError::NoQuestions { split });
        }
    }
    let world = |(stream, schema)| World::new(schema, &mut Draw::new(options.seed, stream));
    let worlds = (0..).zip(SCHEMAS.iter().copied()).map(world).collect::<Result<Vec<_>, _>>()?;
    let mut questions = Questions::new(&worlds, Draw::new(options.seed, QUESTION_STREAM));
    // Held-out questions first: they have the widest choice, and training must do without their queries.
    let dev = questions.dev(options.dev)?;
    let mut train = questions.train(options.train)?;
    if options.slips > 0 {
        slips::slip(&mut train, options.slips, &mut Draw::new(options.seed, SLIP_STREAM));
    }
    Ok(Generated { worlds, train, dev })
}

impl Generated {
    /// Writes `train_spider.json`, `dev.json`, `tables.json` and `database/<db_id>/<db_id>.sqlite` into a folder, which
    /// must be empty or not be there unless `overwrite` is given. With it, files of the same names are replaced and
    /// others stay.
    ///
    /// # Errors
    /// [`GenerateError`] if the folder is not empty or cannot be written to.
    pub fn write(&self, folder: &Path, overwrite: bool) -> Result<(), GenerateError> {
        write::prepare(folder, overwrite)?;
        for world in &self.worlds {
            write::write_database(folder, world)?;
        }
        let tables: Vec<_> = self.worlds.iter().map(|world| write::tables_entry(world.schema)).collect();
        write::write_list(&folder.join("tables.json"), &tables)?;
        write::write_list(&folder.join("train_spider.json"), &self.train)?;
        write::write_list(&folder.join("dev.json"), &self.dev)
    }

    /// Names of the databases; the last one's questions are all held out.
    pub fn databases(&self) -> Vec<&'static str> {
        self.worlds.iter().map(|world| world.schema.name).collect()
    }
}

#[cfg(test)]
mod tests;
