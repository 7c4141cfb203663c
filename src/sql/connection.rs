//! Connections that can only read, kept open per thread.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, limits::Limit, types::ValueRef};

use super::hooks::Hooks;

/// Connections kept open in all threads together: each is a file handle, of which a process may have 1,024 by default.
const KEPT_OPEN: usize = 256;
/// Connections that each thread may keep in any case.
const LEAST_KEPT: usize = 4;
/// How long to wait for a database that somebody else is writing to.
const BUSY: Duration = Duration::from_millis(50);

thread_local! {
    static OPEN: RefCell<HashMap<PathBuf, ReadOnly>> = RefCell::default();
}

/// An open database that no statement can change.
pub struct ReadOnly {
    /// The connection, with all guards in place.
    pub connection: Connection,
    /// What its hooks know.
    pub hooks: Arc<Hooks>,
    stamp: Stamp,
    last_use: Instant,
}

/// Tells whether a path still leads to the file that was opened.
type Stamp = (u64, Option<SystemTime>);

/// Lends the calling thread's connection to a database, opening it first if need be.
///
/// # Errors
/// A message with the path, where the file is missing or is no readable database.
pub fn with<T>(database: &Path, length_limit: usize, work: impl FnOnce(&ReadOnly) -> T) -> Result<T, String> {
    let stamp = stamp(database)?;
    // Taken out for the time of use, so that nothing is borrowed while SQLite runs.
    let kept = OPEN.with_borrow_mut(|open| open.remove(database)).filter(|kept| kept.stamp == stamp);
    let lent = match kept {
        Some(kept) => kept,
        None => open(database, stamp).map_err(|e| format!("cannot read the database {}: {e}", database.display()))?,
    };
    set_limit(&lent.connection, Limit::SQLITE_LIMIT_LENGTH, length_limit)
        .map_err(|e| format!("cannot limit the database {}: {e}", database.display()))?;
    let done = work(&lent);
    OPEN.with_borrow_mut(|open| keep(open, database, lent));
    Ok(done)
}

/// Keeps a connection for the next query, in place of the one that was used longest ago where there are too many.
fn keep(open: &mut HashMap<PathBuf, ReadOnly>, database: &Path, mut used: ReadOnly) {
    let share = (KEPT_OPEN / rayon::current_num_threads()).max(LEAST_KEPT);
    if open.len() >= share
        && let Some(oldest) = open.iter().min_by_key(|(_, kept)| kept.last_use).map(|(path, _)| path.clone())
    {
        open.remove(&oldest);
    }
    used.last_use = Instant::now();
    open.insert(database.to_owned(), used);
}

fn stamp(database: &Path) -> Result<Stamp, String> {
    let data = fs::metadata(database).map_err(|e| format!("cannot read the database {}: {e}", database.display()))?;
    if !data.is_file() {
        return Err(format!("cannot read the database {}: it is not a file", database.display()));
    }
    Ok((data.len(), data.modified().ok()))
}

fn open(database: &Path, stamp: Stamp) -> Result<ReadOnly, OpenError> {
    // SQLite is built to take `file:...` for a URI with options; a path that starts with a dot or slash is none.
    let path = if database.is_relative() { Path::new(".").join(database) } else { database.to_owned() };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    configure(&connection)?;
    check_names(&connection)?;
    let hooks = Hooks::install(&mut connection)?;
    Ok(ReadOnly { connection, hooks, stamp, last_use: Instant::now() })
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Spider's gold queries quote strings with double quotes, and so do its databases' views and indexes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false)?;
    // In KiB; also what a sort may hold before it goes through temporary files, which makes it twice as slow.
    connection.pragma_update(None, "cache_size", -16_384)?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 1_000_000),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
        (Limit::SQLITE_LIMIT_VDBE_OP, 1_000_000),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        set_limit(connection, limit, value)?;
    }
    Ok(())
}

fn set_limit(connection: &Connection, limit: Limit, value: usize) -> rusqlite::Result<()> {
    connection.set_limit(limit, i32::try_from(value).unwrap_or(i32::MAX)).map(|_| ())
}

/// rusqlite panics on names that are not UTF-8, so a schema with such names is refused before any query sees it.
fn check_names(connection: &Connection) -> Result<(), OpenError> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..2 {
            if let ValueRef::Text(bytes) = row.get_ref(column)?
                && std::str::from_utf8(bytes).is_err()
            {
                return Err(OpenError::Names(String::from_utf8_lossy(bytes).into_owned()));
            }
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("its schema has a name that is not UTF-8 (`{0}`); rename it")]
    Names(String),
}
