//! Fills the splits with questions.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    bind::Binding,
    database::World,
    error::GenerateError,
    foils::is_sound,
    phrase,
    random::Draw,
    shapes::{SHARES, shapes},
    template::query,
};
use crate::sql::official::Hardness;

/// Draws after which a database is held to have no more questions of a level.
const ATTEMPTS: usize = 2000;
/// Draws for another way to ask the same.
const PARAPHRASES: usize = 10;
/// Questions for each training query, as Spider has them.
const TRAIN_WAYS: usize = 2;

/// A question as Spider's files have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The database.
    pub db_id: &'static str,
    /// The gold query.
    pub query: String,
    /// The question.
    pub question: String,
    /// Its level, which the files leave out.
    #[serde(skip)]
    pub level: Hardness,
}

/// Makes questions, none twice.
#[derive(Debug)]
pub struct Questions<'a> {
    worlds: &'a [World],
    draw: Draw,
    /// Databases and queries that stand in a split.
    used: BTreeSet<(&'static str, String)>,
    /// Questions on databases: none may ask for two things.
    asked: BTreeSet<(&'static str, String)>,
}

impl<'a> Questions<'a> {
    /// Questions on these databases, the last of which is held out.
    pub fn new(worlds: &'a [World], draw: Draw) -> Self {
        Self { worlds, draw, used: BTreeSet::new(), asked: BTreeSet::new() }
    }

    /// Held-out questions on all databases, a query of its own for each.
    ///
    /// # Errors
    /// [`GenerateError::Exhausted`] if there are not so many.
    pub fn dev(&mut self, count: usize) -> Result<Vec<Entry>, GenerateError> {
        self.split("dev", count, self.worlds, 1)
    }

    /// Training questions on all databases but the last, about two for each query.
    ///
    /// # Errors
    /// [`GenerateError::Exhausted`] if there are not so many.
    pub fn train(&mut self, count: usize) -> Result<Vec<Entry>, GenerateError> {
        let worlds = &self.worlds[..self.worlds.len().saturating_sub(1)];
        self.split("train", count, worlds, TRAIN_WAYS)
    }

    fn split(
        &mut self,
        split: &'static str,
        count: usize,
        worlds: &'a [World],
        ways: usize,
    ) -> Result<Vec<Entry>, GenerateError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut turn = 0;
        while entries.len() < count {
            let level = level_at(entries.len(), count);
            // Databases take turns within a level, so that all have about the same mix.
            let world = &worlds[turn % worlds.len()];
            turn += 1;
            let wanted = ways.min(count - entries.len());
            let made = self.ask(world, level, wanted)?;
            if made.is_empty() {
                let (database, made) = (world.schema.name, entries.len());
                return Err(GenerateError::Exhausted { database, level, split, made });
            }
            entries.extend(made);
        }
        self.draw.shuffle(&mut entries);
        Ok(entries)
    }

    /// A new query of a level with up to so many questions for it; none if there seem to be no more.
    fn ask(&mut self, world: &World, level: Hardness, ways: usize) -> Result<Vec<Entry>, GenerateError> {
        let db_id = world.schema.name;
        for _ in 0..ATTEMPTS {
            let Some(shape) = self.draw.pick(shapes(level)) else { break };
            let Some(binding) = Binding::new(shape, world, &mut self.draw)? else { continue };
            let sql = query(&binding, None)?;
            let key = (db_id, sql.to_lowercase());
            if self.used.contains(&key) || !is_sound(&binding, &sql, world)? {
                continue;
            }
            let questions = self.ways(db_id, &binding, ways)?;
            if questions.is_empty() {
                continue;
            }
            self.used.insert(key);
            let entry = |question| Entry { db_id, query: sql.clone(), question, level };
            return Ok(questions.into_iter().map(entry).collect());
        }
        Ok(Vec::new())
    }

    fn ways(&mut self, db_id: &'static str, binding: &Binding, ways: usize) -> Result<Vec<String>, GenerateError> {
        let mut questions = Vec::new();
        for _ in 0..PARAPHRASES {
            if questions.len() == ways {
                break;
            }
            let question = phrase::question(binding, &mut self.draw)?;
            if self.asked.insert((db_id, question.to_lowercase())) {
                questions.push(question);
            }
        }
        Ok(questions)
    }
}

/// The level of the question at an index, so that levels have Spider's shares.
fn level_at(index: usize, count: usize) -> Hardness {
    let total: usize = SHARES.iter().map(|(_, share)| share).sum();
    let place = index * total / count.max(1);
    let mut end = 0;
    for (level, share) in SHARES {
        end += share;
        if place < end {
            return level;
        }
    }
    Hardness::Extra
}
