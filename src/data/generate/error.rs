//! Why data could not be made.

use std::{io, path::PathBuf};

use crate::sql::official::Hardness;

/// Data that could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The folder has something in it that must not be lost.
    #[error("{} is not empty: name a new folder, or give `--overwrite` to replace the data in it", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}; see that the folder can be written to and the disk has room", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("database `{database}`: {source}, at: {sql}")]
    Sqlite {
        /// The database.
        database: &'static str,
        /// What it was asked to do.
        sql: String,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// There are not so many different questions.
    #[error(
        "no more {level} questions on database `{database}` after {made} in the {split} split: ask for fewer with `--{split}`"
    )]
    Exhausted {
        /// The database.
        database: &'static str,
        /// The level of hardness.
        level: Hardness,
        /// `train` or `dev`.
        split: &'static str,
        /// Questions made for the split, on all databases.
        made: usize,
    },
    /// A split without questions would be no data.
    #[error("`--{split}` is 0: ask for 1 question at least")]
    NoQuestions {
        /// `train` or `dev`.
        split: &'static str,
    },
    /// A shape has a slot that is not known: a mistake in the program.
    #[error("unknown slot `{{{slot}}}` in `{template}`: report this")]
    Slot {
        /// The slot.
        slot: String,
        /// Where it stands.
        template: &'static str,
    },
}
