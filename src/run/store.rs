//! The run's event store: one SQLite table of records, from which everything on screen can be rebuilt.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, params};

use super::event::{Event, Record};

/// Version of the store's tables, kept in `PRAGMA user_version`.
pub const STORE_VERSION: i64 = 1;

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite reports an error.
    #[error("the run store {path}: {source}")]
    Sqlite {
        /// The store's file.
        path: String,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The store was written by another version of the program.
    #[error(
        "the run store {path} has version {found}, this program reads version {STORE_VERSION}; use the program that wrote it"
    )]
    Version {
        /// The store's file.
        path: String,
        /// Its version.
        found: i64,
    },
    /// An event cannot be read or written as JSON.
    #[error("the run store {path}, event {seq}: {source}")]
    Event {
        /// The store's file.
        path: String,
        /// The event's position.
        seq: u64,
        /// Why.
        source: serde_json::Error,
    },
}

/// The event store of a run: one writer, any number of readers.
#[derive(Debug)]
pub struct RunStore {
    db: Connection,
    path: String,
    last: u64,
}

impl RunStore {
    /// Opens the store for writing, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used, is no store, or has another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let at = path.display().to_string();
        let wrap = |source| StoreError::Sqlite { path: at.clone(), source };
        let db = Connection::open(path).map_err(wrap)?;
        db.busy_timeout(Duration::from_secs(10)).map_err(wrap)?;
        // Network file systems refuse the write-ahead log; the rollback journal that then stays in force is slower, not less safe.
        let _mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(wrap)?;
        db.pragma_update(None, "synchronous", "NORMAL").map_err(wrap)?;
        match version(&db).map_err(wrap)? {
            0 => db.execute_batch(SCHEMA).map_err(wrap)?,
            STORE_VERSION => {}
            found => return Err(StoreError::Version { path: at, found }),
        }
        let last =
            db.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get::<_, i64>(0)).map_err(wrap)?;
        Ok(Self { db, path: at, last: last as u64 })
    }

    /// Opens the store for reading; a trainer may be writing to it.
    ///
    /// # Errors
    /// As [`RunStore::open`]; also if there is no store.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let at = path.display().to_string();
        let wrap = |source| StoreError::Sqlite { path: at.clone(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(wrap)?;
        db.busy_timeout(Duration::from_secs(10)).map_err(wrap)?;
        match version(&db).map_err(wrap)? {
            STORE_VERSION => Ok(Self { db, path: at, last: 0 }),
            found => Err(StoreError::Version { path: at, found }),
        }
    }

    /// Appends an event and gives it its place.
    ///
    /// # Errors
    /// The disk is full, say; nothing is stored then, and the next event gets the same place.
    pub fn append(&mut self, time: f64, event: Event) -> Result<Record, StoreError> {
        let seq = self.last + 1;
        let body = serde_json::to_string(&event).map_err(|source| self.event_error(seq, source))?;
        self.db
            .prepare_cached("INSERT INTO events (seq, time, type, step, body) VALUES (?1, ?2, ?3, ?4, ?5)")
            .and_then(|mut insert| {
                insert.execute(params![seq as i64, time, event.kind(), event.step().map(|s| s as i64), body])
            })
            .map_err(|source| self.sqlite_error(source))?;
        self.last = seq;
        Ok(Record { seq, time, event })
    }

    /// The stored records after `seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read, or holds an event that this program does not know.
    pub fn since(&self, seq: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut query = self
            .db
            .prepare_cached("SELECT seq, time, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .map_err(|source| self.sqlite_error(source))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query
            .query_map(params![seq as i64, limit], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get::<_, f64>(1)?, row.get::<_, String>(2)?))
            })
            .map_err(|source| self.sqlite_error(source))?;
        rows.map(|row| {
            let (seq, time, body) = row.map_err(|source| self.sqlite_error(source))?;
            let event = serde_json::from_str(&body).map_err(|source| self.event_error(seq, source))?;
            Ok(Record { seq, time, event })
        })
        .collect()
    }

    fn sqlite_error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { path: self.path.clone(), source }
    }

    fn event_error(&self, seq: u64, source: serde_json::Error) -> StoreError {
        StoreError::Event { path: self.path.clone(), seq, source }
    }
}

const SCHEMA: &str = "
    BEGIN;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        type TEXT NOT NULL,
        step INTEGER,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_step ON events (type, step);
    PRAGMA user_version = 1;
    COMMIT;";

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::{LogLevel, LogLine, StepDone};
    use crate::run::metrics::{self, Metrics};

    fn line(text: &str) -> Event {
        Event::Log(LogLine { level: LogLevel::Info, message: text.into() })
    }

    #[test]
    fn records_come_back_in_order_and_in_pages() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.db");
        let mut store = RunStore::open(&path).unwrap();
        let written: Vec<_> = (0..5).map(|i| store.append(f64::from(i), line(&i.to_string())).unwrap()).collect();
        assert_eq!(written.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let reader = RunStore::open_read_only(&path).unwrap();
        assert_eq!(reader.since(0, 2).unwrap(), written[..2]);
        assert_eq!(reader.since(2, 100).unwrap(), written[2..]);
        drop(store);
        let mut again = RunStore::open(&path).unwrap();
        assert_eq!(again.append(9.0, line("more")).unwrap().seq, 6);
    }

    #[test]
    fn a_step_with_nan_is_stored_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = RunStore::open(&dir.path().join("run.db")).unwrap();
        let mut metrics = Metrics::default();
        metrics.set(metrics::LOSS, f64::INFINITY);
        store.append(0.0, Event::Step(StepDone { step: 3, metrics })).unwrap();
        let back = store.since(0, 10).unwrap();
        let Event::Step(step) = &back[0].event else { panic!("not a step") };
        assert!(step.step == 3 && step.metrics.get(metrics::LOSS).unwrap().is_nan());
    }

    #[test]
    fn other_versions_and_other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.db");
        drop(RunStore::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(RunStore::open(&path), Err(StoreError::Version { found: 99, .. })));
        assert!(matches!(RunStore::open_read_only(&path), Err(StoreError::Version { found: 99, .. })));
        let rubbish = dir.path().join("rubbish.db");
        std::fs::write(&rubbish, vec![7_u8; 5000]).unwrap();
        assert!(matches!(RunStore::open(&rubbish), Err(StoreError::Sqlite { .. })));
    }
}
