//! Databases copied into memory.

use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::log;

/// A connection to a copy in memory of what `file` has at this moment, its write-ahead log included. The copy cannot be
/// written to.
///
/// # Errors
/// The file cannot be read, or there is no memory for it.
pub fn copy(file: &mut Connection) -> rusqlite::Result<Connection> {
    let mut image = file.serialize(MAIN_DB)?.to_vec();
    // A database in memory has no log; SQLite refuses to open one whose header asks for it.
    log::unwant(&mut image);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut copy = Connection::open_in_memory_with_flags(flags)?;
    copy.deserialize_read_exact(MAIN_DB, image.as_slice(), image.len(), true)?;
    Ok(copy)
}
