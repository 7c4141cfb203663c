//! Connections that can only read, kept open from query to query.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, limits::Limit, types::ValueRef};

use super::{hooks::Hooks, log, memory};

/// Bytes of a query's text. SQLite's own limit is a thousand times that.
pub const MAX_SQL_BYTES: usize = 1_000_000;
/// KiB of pages that a connection keeps; also what a sort may hold before it goes through temporary files, where it may
/// have such, which makes it twice as slow.
const CACHE_KIB: u64 = 16_384;
/// How long to wait for a database that somebody else is writing to.
const BUSY: Duration = Duration::from_millis(50);

/// How many connections are kept, and how they are set up.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Connections kept open: each is a file handle, of which a process may have 1,024 by default.
    pub connections: usize,
    /// Bytes that their caches and databases in memory may take together.
    pub bytes: u64,
    /// Never use temporary files: what a query sorts and collects stays in memory.
    pub no_files: bool,
}

/// Open databases, for one thread.
pub struct Connections {
    keep: Keep,
    open: HashMap<PathBuf, ReadOnly>,
    more: bool,
    /// The database that is held, see [`Connections::expect_more`].
    held: Option<PathBuf>,
}

/// An open database that no statement can change.
pub struct ReadOnly {
    /// The connection, with all guards in place.
    pub connection: Connection,
    /// What its hooks know.
    pub hooks: Arc<Hooks>,
    stamp: Stamp,
    in_memory: bool,
    last_use: Instant,
}

/// Tells whether a path still leads to the file that was opened.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Bytes of its write-ahead log; 0 if there is none.
    log_bytes: u64,
}

impl Connections {
    /// None yet.
    pub fn new(keep: Keep) -> Self {
        Self { keep, open: HashMap::new(), more: false, held: None }
    }

    /// Lends the connection to a database, opening it first if need be. A database that is wanted in memory is read from
    /// its file all the same if there is no room for it.
    ///
    /// # Errors
    /// A message with the path, where the file is missing or is no readable database.
    pub fn with<T>(
        &mut self,
        database: &Path,
        in_memory: bool,
        length_limit: usize,
        work: impl FnOnce(&ReadOnly) -> T,
    ) -> Result<T, String> {
        let explain = |e: OpenError| format!("cannot read the database {}: {e}", database.display());
        if self.held.as_deref() != Some(database) {
            self.let_go();
        }
        let stamp = match self.open.get(database) {
            Some(kept) if self.held.is_some() => kept.stamp,
            _ => stamp(database).map_err(explain)?,
        };
        let in_memory = in_memory && (1..=self.keep.bytes).contains(&stamp.bytes);
        // Taken out for the time of use: after a panic it is not used again.
        let kept = self.open.remove(database).filter(|kept| kept.stamp == stamp && kept.in_memory == in_memory);
        let lent = if let Some(kept) = kept {
            kept
        } else {
            self.make_room(weight(stamp, in_memory));
            open(database, stamp, in_memory, self.keep.no_files).map_err(explain)?
        };
        set_limit(&lent.connection, Limit::SQLITE_LIMIT_LENGTH, length_limit).map_err(|e| explain(e.into()))?;
        if self.more && self.held.is_none() && lent.hold() {
            self.held = Some(database.to_owned());
        }
        let done = work(&lent);
        self.open.insert(database.to_owned(), ReadOnly { last_use: Instant::now(), ..lent });
        if !self.more {
            self.let_go();
        }
        Ok(done)
    }

    /// Says whether another query waits behind the next one. As long as that is so, a database is held as it is: what
    /// others write to it is not seen, and its file not looked at, before every query.
    pub fn expect_more(&mut self, more: bool) {
        self.more = more;
    }

    /// Holds no database any more.
    pub fn let_go(&mut self) {
        if let Some(held) = self.held.take().and_then(|path| self.open.get(&path)) {
            held.let_go();
        }
    }

    /// Closes connections that were not used for the longest time until one more fits.
    fn make_room(&mut self, weight_of_next: u64) {
        loop {
            let bytes: u64 = self.open.values().map(|kept| weight(kept.stamp, kept.in_memory)).sum();
            if self.open.len() < self.keep.connections && bytes + weight_of_next <= self.keep.bytes {
                break;
            }
            let oldest = self.open.iter().min_by_key(|(_, kept)| kept.last_use).map(|(path, _)| path.clone());
            let Some(oldest) = oldest else { break };
            self.open.remove(&oldest);
        }
    }
}

impl ReadOnly {
    /// Begins to hold the database as it is: a read transaction, which keeps its lock from query to query.
    fn hold(&self) -> bool {
        self.hooks.unjudged(|| self.connection.execute_batch("BEGIN")).is_ok()
    }

    fn let_go(&self) {
        // An error of SQLite's can have ended it before; there is no other reason to fail, for nothing was written.
        if !self.connection.is_autocommit()
            && let Err(error) = self.hooks.unjudged(|| self.connection.execute_batch("COMMIT"))
        {
            tracing::warn!("cannot end a read transaction: {error}");
        }
    }
}

/// Bytes that a connection may come to hold between queries.
fn weight(stamp: Stamp, in_memory: bool) -> u64 {
    if in_memory { stamp.bytes } else { stamp.bytes.min(CACHE_KIB << 10) }
}

fn stamp(database: &Path) -> Result<Stamp, OpenError> {
    let data = fs::metadata(database)?;
    if !data.is_file() {
        return Err(OpenError::NoFile);
    }
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let log_bytes = fs::metadata(log).map_or(0, |log| log.len());
    Ok(Stamp { bytes: data.len(), modified: data.modified().ok(), log_bytes })
}

fn open(database: &Path, stamp: Stamp, in_memory: bool, no_files: bool) -> Result<ReadOnly, OpenError> {
    let mut connection = open_file(database, stamp)?;
    connection.busy_timeout(BUSY)?;
    // What cannot be copied is no database, as will be told, or too large.
    if in_memory && let Ok(copy) = memory::copy(&mut connection) {
        connection = copy;
    }
    configure(&connection, no_files)?;
    check_names(&connection)?;
    let hooks = Hooks::install(&mut connection)?;
    Ok(ReadOnly { connection, hooks, stamp, in_memory, last_use: Instant::now() })
}

/// Opens a file for reading. A database that asks for a write-ahead log, but has none at the moment, is opened as one that
/// nobody changes: otherwise SQLite would put an empty log and its index beside it.
fn open_file(database: &Path, stamp: Stamp) -> Result<Connection, OpenError> {
    // SQLite is built to take `file:...` for a URI with options; a path that starts with a dot or slash is none.
    let path = if database.is_relative() { Path::new(".").join(database) } else { database.to_owned() };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    Ok(if stamp.log_bytes == 0 && log::is_wanted(database)? {
        Connection::open_with_flags(log::unchanging(&path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    })
}

fn configure(connection: &Connection, no_files: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB.cast_signed())?;
    if no_files {
        connection.pragma_update(None, "temp_store", "MEMORY")?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES),
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
    Io(#[from] std::io::Error),
    #[error("it is not a file")]
    NoFile,
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("its schema has a name that is not UTF-8 (`{0}`); rename it")]
    Names(String),
}
