//! What is wrong with one entry of the data.

use std::{fmt, path::PathBuf};

/// Something of the data that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The file of questions.
    pub file: PathBuf,
    /// Index of the entry, from 0; absent where the file as a whole is meant.
    pub entry: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "{}, entry {entry}: {}", self.file.display(), self.problem),
            None => write!(f, "{}: {}", self.file.display(), self.problem),
        }
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is no JSON, here and perhaps beyond.
    #[error(
        "{0}; expected a JSON list of objects with `db_id`, `question` and `query` (or `SQL`); unpack the data anew"
    )]
    Broken(String),
    /// The entry is no object.
    #[error("it is {found}, not an object with `db_id`, `question` and `query` (or `SQL`)")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A field is missing.
    #[error("missing field `{field}`{}; it has {has}", if *field == "query" { " (or `SQL`)" } else { "" })]
    Missing {
        /// Its name.
        field: &'static str,
        /// The fields that are there.
        has: String,
    },
    /// A field is no text.
    #[error("`{field}` is {found}, not text")]
    NotText {
        /// Its name.
        field: &'static str,
        /// Its value.
        found: String,
    },
    /// A database name that would lead out of the database folder.
    #[error("`db_id` is `{0}`, which is no plain folder name")]
    UnsafeName(String),
    /// A database that is a link to somewhere else.
    #[error("the database {} is a link out of the data folder; copy the database there", .0.display())]
    Outside(PathBuf),
    /// A database is not there.
    #[error("there is no database `{db_id}`: {} is missing; unpack the data's databases", file.display())]
    NoDatabase {
        /// Its name.
        db_id: String,
        /// The file that should be there.
        file: PathBuf,
    },
    /// A database file is something else.
    #[error("{} is no SQLite database; unpack the data's databases anew", .0.display())]
    NotADatabase(PathBuf),
}
