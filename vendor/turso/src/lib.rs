//! Stands in for the crate `turso`, as far as `CubeCL`'s cache of compiled kernels (`cubecl-environment` 0.11.3) uses it.
//!
//! That cache is a table in a database file, and turso reads and writes the file format of SQLite. The program has SQLite already;
//! turso would be a second database, with a hundred more crates and libclang to build. The calls are those of turso, so they are futures;
//! all of them are done when first polled, for SQLite waits for nothing but the file system and locks.
#![forbid(unsafe_code)]

use std::{fmt, io, path::PathBuf, time::Duration};

pub use rusqlite::types::FromSql;
use rusqlite::{ErrorCode, OpenFlags, Params};

pub mod transaction;

/// What went wrong.
#[derive(Debug)]
#[expect(clippy::enum_variant_names, reason = "the names are turso's")]
pub enum Error {
    /// Another process holds the lock.
    Busy(String),
    /// Another process wrote since this transaction read.
    BusySnapshot(String),
    /// The file system refused, and what was tried.
    IoError(io::ErrorKind, &'static str),
    /// Anything else that SQLite said.
    Error(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(message) | Self::BusySnapshot(message) | Self::Error(message) => f.write_str(message),
            Self::IoError(kind, what) => write!(f, "{what}: {kind}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        /// `SQLITE_BUSY_SNAPSHOT`
        const SNAPSHOT: i32 = 517;
        let message = error.to_string();
        match error.sqlite_error() {
            Some(code) if code.extended_code == SNAPSHOT => Self::BusySnapshot(message),
            Some(code) if matches!(code.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy(message)
            }
            _ => Self::Error(message),
        }
    }
}

/// How a database file is opened.
#[derive(Debug)]
pub struct Builder {
    database: Database,
}

impl Builder {
    /// The file at `path`, made if it is not there.
    #[must_use]
    pub fn new_local(path: &str) -> Self {
        Self { database: Database { path: path.into(), read_only: false } }
    }

    /// Whether the file is not to be written.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.database.read_only = read_only;
        self
    }

    /// Several processes may have the file open, which SQLite's write-ahead log always allows.
    #[must_use]
    pub fn experimental_multiprocess_wal(self, _allowed: bool) -> Self {
        self
    }

    /// `VACUUM`, which SQLite always allows.
    #[must_use]
    pub fn experimental_vacuum(self, _allowed: bool) -> Self {
        self
    }

    /// Opens the file once, to see that it is a database.
    ///
    /// # Errors
    /// It cannot be opened, or is no database.
    #[expect(clippy::unused_async, reason = "a future, as turso's")]
    pub async fn build(self) -> Result<Database, Error> {
        let connection = self.database.connect()?;
        if !self.database.read_only {
            connection.0.pragma_update(None, "journal_mode", "WAL")?;
        }
        connection.0.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
        Ok(self.database)
    }
}

/// A database file.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    read_only: bool,
}

impl Database {
    /// A connection of its own.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn connect(&self) -> Result<Connection, Error> {
        let access = if self.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        };
        Ok(Connection(rusqlite::Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?))
    }
}

/// A connection to a database.
#[derive(Debug)]
pub struct Connection(rusqlite::Connection);

#[expect(clippy::unused_async, reason = "futures, as turso's")]
impl Connection {
    /// How long a statement waits for a lock.
    ///
    /// # Errors
    /// SQLite does not take it.
    pub fn busy_timeout(&self, time: Duration) -> Result<(), Error> {
        Ok(self.0.busy_timeout(time)?)
    }

    /// Runs a statement: how many rows it changed.
    ///
    /// # Errors
    /// What SQLite said.
    pub async fn execute(&self, sql: impl AsRef<str>, params: impl Params) -> Result<u64, Error> {
        Ok(self.0.prepare_cached(sql.as_ref())?.execute(params)? as u64)
    }

    /// Runs a query.
    ///
    /// # Errors
    /// What SQLite said.
    pub async fn query(&self, sql: impl AsRef<str>, params: impl Params) -> Result<Rows, Error> {
        let mut statement = self.0.prepare_cached(sql.as_ref())?;
        let columns = statement.column_count();
        let values = |row: &rusqlite::Row<'_>| (0..columns).map(|i| row.get(i)).collect();
        let rows: Vec<_> = statement.query_map(params, values)?.collect::<Result<_, _>>()?;
        Ok(Rows(rows.into_iter()))
    }

    /// Runs `PRAGMA` with this text and shows each row that it answers with.
    ///
    /// # Errors
    /// What SQLite or `look` said.
    pub async fn pragma_query(
        &self,
        pragma: &str,
        mut look: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rows = self.query(format!("PRAGMA {pragma}"), ()).await?;
        while let Some(row) = rows.next().await? {
            look(&row)?;
        }
        Ok(())
    }
}

/// What a query found.
#[derive(Debug)]
pub struct Rows(std::vec::IntoIter<Vec<rusqlite::types::Value>>);

impl Rows {
    /// The next row.
    ///
    /// # Errors
    /// None: all rows were read by the query.
    #[expect(clippy::unused_async, reason = "a future, as turso's")]
    pub async fn next(&mut self) -> Result<Option<Row>, Error> {
        Ok(self.0.next().map(Row))
    }
}

/// One row.
#[derive(Debug)]
pub struct Row(Vec<rusqlite::types::Value>);

impl Row {
    /// The value in a column, counted from 0.
    ///
    /// # Errors
    /// There is no such column, or it holds another type.
    pub fn get<T: FromSql>(&self, column: usize) -> Result<T, Error> {
        let value = self.0.get(column).ok_or_else(|| Error::Error(format!("there is no column {column}")))?;
        T::column_result(value.into()).map_err(|error| Error::Error(format!("column {column}: {error}")))
    }
}

#[cfg(test)]
mod tests;
