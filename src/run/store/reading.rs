//! Rows as records, and what is to be said of those that are none.

use std::fmt;

use serde_json::Value;

use super::{StoreError, rows::Row};
use crate::run::event::{Event, Record, SCHEMA_VERSION};

/// What was read of a store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The records, oldest first. What only a newer program knows is an [`Event::Other`].
    pub records: Vec<Record>,
    /// How many of them are.
    pub unknown: usize,
    /// What is wrong with the store, if something is.
    pub damage: Option<Damage>,
}

/// What is wrong with a store's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: String,
    /// What it looks like, in SQLite's words or ours.
    pub why: String,
    /// Events that could be read all the same.
    pub read: u64,
    /// Events known to be lost; there may have been more after them.
    pub lost: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, why, read, lost } = self;
        write!(f, "the run store {path} is damaged ({why}): {read} events could be read")?;
        if *lost > 0 { write!(f, ", {lost} or more are lost") } else { write!(f, ", what came after them is lost") }
    }
}

impl Reading {
    /// What a person who looks at the run should know.
    pub fn notes(&self) -> Vec<String> {
        let unknown = (self.unknown > 0).then(|| {
            format!("{} events were written by a newer version of the program and are passed over", self.unknown)
        });
        self.damage.as_ref().map(ToString::to_string).into_iter().chain(unknown).collect()
    }
}

/// Makes a [`Reading`] of rows.
pub struct Builder<'a> {
    path: &'a str,
    reading: Reading,
    spoilt: u64,
    first: Option<u64>,
    last: u64,
    passed_over: u64,
    taken: u64,
    refused: Option<StoreError>,
}

impl<'a> Builder<'a> {
    /// For the store at `path`.
    pub fn new(path: &'a str) -> Self {
        Self {
            path,
            reading: Reading::default(),
            spoilt: 0,
            first: None,
            last: 0,
            passed_over: 0,
            taken: 0,
            refused: None,
        }
    }

    /// Takes in the next row.
    pub fn add(&mut self, row: &Row) {
        self.first.get_or_insert(row.seq);
        self.last = row.seq;
        match row.body.as_deref().and_then(event) {
            Some(event) => {
                if let (Event::Run(run), None) = (&event, &self.refused)
                    && run.schema_version > SCHEMA_VERSION
                {
                    let (path, program) = (self.path.to_owned(), run.program_version.clone());
                    self.refused = Some(StoreError::NewerEvents { path, found: run.schema_version, program });
                }
                self.reading.unknown += usize::from(event == Event::Other);
                self.reading.records.push(Record { seq: row.seq, time: row.time, event });
            }
            None => self.spoilt += 1,
        }
    }

    /// Takes note of rows that were left where they are.
    pub fn pass_over(&mut self, rows: u64) {
        self.passed_over += rows;
    }

    /// Records that were read and not taken yet; none once it is clear that they are refused.
    pub fn waiting(&self) -> usize {
        if self.refused.is_some() { 0 } else { self.reading.records.len() }
    }

    /// Takes them: they are no part of what [`Builder::finish`] gives.
    pub fn take(&mut self) -> Vec<Record> {
        self.taken += self.reading.records.len() as u64;
        std::mem::take(&mut self.reading.records)
    }

    /// All that was read; `broken` is where SQLite could not go on.
    pub fn finish(mut self, broken: Option<rusqlite::Error>) -> Result<Reading, StoreError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if broken.is_some() || self.spoilt > 0 {
            let why = broken.map_or_else(|| "events are not as they were written".to_owned(), |e| e.to_string());
            let read = self.taken + self.reading.records.len() as u64;
            // Places run without gaps.
            let places = self.first.map_or(0, |first| (self.last - first + 1).saturating_sub(self.passed_over));
            self.reading.damage =
                Some(Damage { path: self.path.to_owned(), why, read, lost: places.saturating_sub(read) });
        }
        Ok(self.reading)
    }
}

/// The event in a body; `None` if that is no JSON object with a type.
pub(super) fn event(body: &str) -> Option<Event> {
    serde_json::from_str(body).ok().or_else(|| {
        // A known type with a value that only a newer program knows.
        let value: Value = serde_json::from_str(body).ok()?;
        value.get("type")?.is_string().then_some(Event::Other)
    })
}
