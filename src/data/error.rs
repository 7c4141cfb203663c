//! What can be wrong with the data, with where and what to do about it.

use std::{io, path::PathBuf};

/// A data folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No folder was named.
    #[error("no data folder is set: give `--data DIR` or `data.root`, a folder with Spider's files in it")]
    NoRoot,
    /// A file cannot be read.
    #[error(
        "cannot read {}: {source}; the data folder must hold it, or `{setting}` must name another file",
        file.display()
    )]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A file is no list of questions.
    #[error(
        "{}: {source}; expected a JSON list of objects with `db_id`, `question` and `query`; \
         repair the entry or unpack the data anew",
        file.display()
    )]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What and where: entry, line and column.
        source: serde_json::Error,
    },
    /// A file has no questions.
    #[error("{} has no questions in it: unpack the data anew or name another file", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A database name that would lead out of the database folder.
    #[error(
        "{}, entry {entry}: `db_id` is `{db_id}`, which is no plain folder name; repair or remove the entry",
        file.display()
    )]
    UnsafeName {
        /// The file.
        file: PathBuf,
        /// Index of the entry, from 0.
        entry: usize,
        /// The name.
        db_id: String,
    },
    /// A database is not there.
    #[error(
        "{}, entry {entry}: its database {} is missing ({missing} of {databases} databases are); \
         unpack the data's `database` folder, or remove the entry",
        file.display(),
        database.display()
    )]
    MissingDatabase {
        /// The file.
        file: PathBuf,
        /// Index of the first entry that needs it, from 0.
        entry: usize,
        /// The database file.
        database: PathBuf,
        /// How many databases are missing.
        missing: usize,
        /// How many databases the file's entries need.
        databases: usize,
    },
    /// A database's schema cannot be read.
    #[error("cannot read the schema of {}: {source}; unpack the database anew", database.display())]
    Schema {
        /// The database file.
        database: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// No question is left to train on.
    #[error(
        "{}: no training question is left: of {checked}, {failed} have gold queries that fail and {empty} ones that \
         return nothing; check the databases, or set `data.check_gold` to false",
        file.display()
    )]
    NothingLeft {
        /// The file.
        file: PathBuf,
        /// Questions looked at.
        checked: usize,
        /// Gold queries that failed.
        failed: usize,
        /// Gold queries that returned nothing.
        empty: usize,
    },
}
