//! The run's event store: one SQLite table of records, from which everything on screen can be rebuilt.
//!
//! One process writes, the holder of the run's lock; any number read. Each event carries a checksum, since SQLite has none: a byte that
//! flips within a reward would otherwise be a reward. What is damaged is told and passed over, never taken for what happened.

mod connection;
mod error;
mod past;
mod reading;
mod rows;
mod schema;
mod takeup;

use std::path::Path;

use rusqlite::{Connection, params};

pub use connection::{Journal, try_out};
pub use error::StoreError;
pub use past::{PastSink, Portion};
pub use reading::{Damage, Reading};
pub use schema::STORE_VERSION;

use super::event::{Event, Record};

/// The event store of a run: one writer, any number of readers.
#[derive(Debug)]
pub struct RunStore {
    db: Connection,
    path: String,
    last: u64,
    version: i64,
}

impl RunStore {
    /// Opens the store for writing, making it where there is none, and brings one of an older version up to date.
    ///
    /// # Errors
    /// The file cannot be used, is no store or a damaged one, or has a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_through(path, None)
    }

    /// The same through one of SQLite's ways to use a file system.
    fn open_through(path: &Path, vfs: Option<&str>) -> Result<Self, StoreError> {
        let wrap = |source| StoreError::of(path, source);
        let mut db = connection::writing(path, vfs).map_err(wrap)?;
        let found = schema::version(&db).map_err(wrap)?;
        if found > STORE_VERSION {
            return Err(StoreError::newer(path, found));
        }
        schema::bring_up_to_date(&mut db, found).map_err(wrap)?;
        let last = db.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get::<_, i64>(0));
        let last = last.map_err(wrap)? as u64;
        Ok(Self { db, path: path.display().to_string(), last, version: STORE_VERSION })
    }

    /// Opens the store for reading; a trainer may be writing to it. Neither the file nor its version is touched.
    ///
    /// # Errors
    /// As [`RunStore::open`]; also if there is no store.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let wrap = |source| StoreError::of(path, source);
        let db = connection::reading(path).map_err(wrap)?;
        match schema::version(&db).map_err(wrap)? {
            version @ 1..=STORE_VERSION => Ok(Self { db, path: path.display().to_string(), last: 0, version }),
            ..=0 => Err(StoreError::NoStore { path: path.display().to_string() }),
            found => Err(StoreError::newer(path, found)),
        }
    }

    /// Appends an event and gives it its place.
    ///
    /// # Errors
    /// The disk is full, say; nothing is stored then, and the next event gets the same place.
    pub fn append(&mut self, time: f64, event: Event) -> Result<Record, StoreError> {
        let seq = self.last + 1;
        let body = serde_json::to_string(&event).map_err(|source| StoreError::Event {
            path: self.path.clone(),
            seq,
            source,
        })?;
        self.insert(seq, time, event.kind(), event.step(), &body)?;
        self.last = seq;
        Ok(Record { seq, time, event })
    }

    fn insert(&self, seq: u64, time: f64, kind: &str, step: Option<u64>, body: &str) -> Result<(), StoreError> {
        let sum = rows::checksum(seq, time, body);
        let inserted = self
            .db
            .prepare_cached("INSERT INTO events (seq, time, type, step, body, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .and_then(|mut insert| insert.execute(params![seq as i64, time, kind, step.map(|s| s as i64), body, sum]));
        inserted.map(|_| ()).map_err(|source| StoreError::of(Path::new(&self.path), source))
    }

    /// The stored records after `seq`, oldest first, at most `limit`. Events that only a newer program knows come as
    /// [`Event::Other`].
    ///
    /// # Errors
    /// The store cannot be read, or not all of it.
    pub fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let reading = self.read(seq, limit)?;
        match reading.damage {
            Some(damage) => Err(StoreError::Damaged(damage)),
            None => Ok(reading.records),
        }
    }

    /// The same of a store that may be damaged: what can be read, and what is wrong.
    ///
    /// # Errors
    /// The store cannot be read for another reason, or its events are of a newer schema.
    pub fn read(&self, seq: u64, limit: usize) -> Result<Reading, StoreError> {
        let mut reading = reading::Builder::new(&self.path);
        let broken = rows::scan(&self.db, self.version, (seq, limit), &mut |row| reading.add(&row));
        reading.finish(broken.map_err(|source| StoreError::of(Path::new(&self.path), source))?)
    }

    /// The stored records of some kinds (see [`Event::kind`]), oldest first, without those that are damaged.
    ///
    /// # Errors
    /// As [`RunStore::read`]; also where the file breaks off.
    pub fn of_kinds(&self, kinds: &[&str]) -> Result<Vec<Record>, StoreError> {
        let mut reading = reading::Builder::new(&self.path);
        let read = rows::of_kinds(&self.db, self.version, kinds, &mut |row| reading.add(&row));
        read.map_err(|source| StoreError::of(Path::new(&self.path), source))?;
        Ok(reading.finish(None)?.records)
    }

    /// All that can be read of a run's store, whatever state it is in.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or it is of a newer version.
    pub fn read_run(path: &Path) -> Result<Reading, StoreError> {
        match Self::open_read_only(path).and_then(|store| store.read(0, usize::MAX)) {
            Err(StoreError::Damaged(damage)) => Ok(Reading { damage: Some(damage), ..Reading::default() }),
            read => read,
        }
    }
}

#[cfg(test)]
mod tests;
