//! How the store's file is opened.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How a store's file is kept from damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// By a write-ahead log: readers and writer do not wait for each other.
    WriteAhead,
    /// By a rollback journal, where the file system refuses the log.
    Rollback,
}

/// Makes a store in a folder, to see what it would be like there, and removes it.
///
/// # Errors
/// None can be made.
pub fn try_out(folder: &Path) -> rusqlite::Result<Journal> {
    let path = folder.join(format!(".sqlr1-try-{}.db", std::process::id()));
    let tried = writing(&path, None).and_then(|db| {
        db.execute_batch("CREATE TABLE t (x); DROP TABLE t")?;
        db.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))
    });
    for suffix in ["", "-wal", "-shm", "-journal"] {
        // Most are not there.
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    tried.map(|mode| if mode.eq_ignore_ascii_case("wal") { Journal::WriteAhead } else { Journal::Rollback })
}

/// How long a reader or the writer waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a file for the one who writes.
pub fn writing(path: &Path, vfs: Option<&str>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
        None => Connection::open_with_flags(path, flags)?,
    };
    db.busy_timeout(PATIENCE)?;
    // What is in a file decides nothing but what is read from it.
    db.pragma_update(None, "trusted_schema", false)?;
    if keeps_write_ahead_log(&db)? {
        // A kill loses nothing; a power cut at most the newest events, and never the file.
        db.pragma_update(None, "synchronous", "NORMAL")?;
    } else {
        // Network file systems refuse the write-ahead log. The rollback journal is slower; only in full is it as safe.
        db.pragma_update(None, "journal_mode", "DELETE")?;
        db.pragma_update(None, "synchronous", "FULL")?;
    }
    Ok(db)
}

/// Asks for the write-ahead log, and whether it works: some file systems say so only at the first use.
fn keeps_write_ahead_log(db: &Connection) -> rusqlite::Result<bool> {
    let asked = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    let tried = asked.and_then(|mode| {
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(mode.eq_ignore_ascii_case("wal"))
    });
    match tried {
        Err(error) if is_refusal(&error) => Ok(false),
        tried => tried,
    }
}

/// What SQLite says where shared memory or locks are not to be had.
fn is_refusal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed | ErrorCode::CannotOpen)
    )
}

/// Opens a file for reading, be it in a folder that is not ours, or cut short.
pub fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let unchanging = || {
        let uri = format!("file:{}?immutable=1", escaped(path));
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).and_then(|db| ready(db, false))
    };
    if is_at_rest(path).unwrap_or(false)
        && let Ok(db) = unchanging()
    {
        return Ok(db);
    }
    match Connection::open_with_flags(path, flags).and_then(|db| ready(db, false)) {
        // A log that is not there cannot be made in a folder that may only be read; nor is it needed.
        Err(error) if is_unwritable(&error) && path.is_file() => unchanging(),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Connection::open_with_flags(path, flags).and_then(|db| ready(db, true))
        }
        opened => opened,
    }
}

/// Where a database's header says how it is read ("The Database File Format", section 1.3.4), and what stands there for a log.
const READ_VERSION: (usize, u8) = (19, 2);

/// Whether the database is kept with a write-ahead log and none is there: nobody has it open then, and SQLite need not leave a log and
/// its index behind only to read it, in a folder that may be somebody else's.
fn is_at_rest(path: &Path) -> io::Result<bool> {
    let (place, kept_with_log) = READ_VERSION;
    let mut header = vec![0; place + 1];
    File::open(path)?.read_exact(&mut header)?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok(header[place] == kept_with_log && !Path::new(&log).try_exists()?)
}

/// Asks something of the file. `cut_short` accepts one that is shorter than it says itself: SQLite then reads what there is.
fn ready(db: Connection, cut_short: bool) -> rusqlite::Result<Connection> {
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "writable_schema", cut_short)?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

fn is_unwritable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// A path as it stands in a URI.
fn escaped(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.map(|b| if fine(b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_at_rest_is_read_without_a_trace_and_one_at_work_as_it_is_now() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.db");
        let rows = |db: &Connection| db.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        let writer = writing(&path, None).unwrap();
        writer.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
        assert!(!is_at_rest(&path).unwrap());
        assert_eq!(rows(&reading(&path).unwrap()), 1);
        drop(writer);
        let names = || std::fs::read_dir(dir.path()).unwrap().count();
        assert!(is_at_rest(&path).unwrap() && names() == 1);
        let reader = reading(&path).unwrap();
        assert_eq!((rows(&reader), names()), (1, 1));
        assert!(reader.execute("INSERT INTO t VALUES (2)", []).is_err());
        drop(reader);
        let journal = dir.path().join("journal.db");
        Connection::open(&journal).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(!is_at_rest(&journal).unwrap(), "a writer leaves no sign of itself there");
    }

    #[test]
    fn a_path_with_odd_bytes_is_the_same_file_in_a_uri() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b?c#d%é.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let db = Connection::open_with_flags(format!("file:{}?immutable=1", escaped(&path)), flags).unwrap();
        assert_eq!(db.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get::<_, i64>(0)).unwrap(), 1);
    }
}
