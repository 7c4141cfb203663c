//! Write-ahead logs: what a database's header says of them (SQLite's file format, 1.3).

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

/// Where the header has the file format's versions for writing and for reading: 2 with a log, else 1.
const VERSIONS: Range<usize> = 18..20;
const WITHOUT_LOG: u8 = 1;
const WITH_LOG: u8 = 2;

/// Whether a database is to be read through a write-ahead log.
///
/// # Errors
/// The file cannot be read.
pub fn is_wanted(database: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    File::open(database)?.take(VERSIONS.end as u64).read_to_end(&mut header)?;
    Ok(header.get(VERSIONS).is_some_and(|versions| versions.contains(&WITH_LOG)))
}

/// Makes a database's bytes those of one without log.
pub fn unwant(database: &mut [u8]) {
    if let Some(versions) = database.get_mut(VERSIONS) {
        versions.fill(WITHOUT_LOG);
    }
}

/// The URI by which SQLite opens a file that nobody changes meanwhile: without locks, and without a log.
pub fn unchanging(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => _ = write!(uri, "%{byte:02x}"),
        }
    }
    uri + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{settings::SqlSettings, sql::Sandbox};

    #[test]
    fn reading_leaves_nothing_beside_a_database_that_wants_a_log() {
        for in_memory in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("a b?%#ü.sqlite");
            let write = |sql| rusqlite::Connection::open(&database).unwrap().execute_batch(sql).unwrap();
            write("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (17)");
            assert!(is_wanted(&database).unwrap());
            let sandbox = Sandbox::in_process(&SqlSettings { in_memory, ..SqlSettings::default() });
            let rows = || sandbox.run(&database, "SELECT a FROM t").outcome.table().unwrap().rows.len();
            assert_eq!(rows(), 1);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
            // A log that is in use is read.
            let writer = rusqlite::Connection::open(&database).unwrap();
            writer.execute_batch("INSERT INTO t VALUES (18)").unwrap();
            assert_eq!(rows(), 2);
        }
    }
}
