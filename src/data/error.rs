//! What can be wrong with the data, with where and what to do about it.

use std::{io, path::PathBuf};

use super::{Flaw, Split};

/// Data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No folder was named.
    #[error("no data folder is set: give `--data DIR` or `data.root`, a folder with Spider's or BIRD's files in it")]
    NoRoot,
    /// The questions are not where they should be.
    #[error(
        "there are no {split} questions: neither {} is there, nor the same one folder below; \
         point `--data` at the unpacked data, or `{}` at the file",
        looked_for.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" nor "),
        split.setting()
    )]
    NoFile {
        /// Which questions.
        split: Split,
        /// The files that would do.
        looked_for: Vec<PathBuf>,
    },
    /// Several folders have such questions.
    #[error(
        "{} holds several data sets with {split} questions: {}; point `--data` at one of them",
        root.display(),
        found.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Ambiguous {
        /// The data folder.
        root: PathBuf,
        /// Which questions.
        split: Split,
        /// Folders that have them.
        found: Vec<PathBuf>,
    },
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
    /// Entries of the questions cannot be used.
    #[error(
        "{first}; {count} of {entries} entries are of no use: repair or remove them, \
         or leave them out with --skip-bad (`data.skip_bad`)"
    )]
    Flawed {
        /// The first that cannot be used.
        first: Flaw,
        /// How many cannot.
        count: usize,
        /// How many there are.
        entries: usize,
    },
    /// A file has no usable questions.
    #[error(
        "{} has no questions in it that can be used{}: unpack the data anew or name another file",
        file.display(),
        first.as_ref().map(|flaw| format!(" ({flaw})")).unwrap_or_default()
    )]
    Empty {
        /// The file.
        file: PathBuf,
        /// What is wrong with its first entry, if it has any.
        first: Option<Flaw>,
    },
    /// A database's schema or sample values cannot be read.
    #[error("cannot read the schema of {}: {source}; unpack the database anew", database.display())]
    Schema {
        /// The database file.
        database: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// A template of prompts cannot be used.
    #[error("{file}{}: {why}; docs/data.md says what templates may use", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Template {
        /// The file, or the name of a built-in template.
        file: String,
        /// Line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        why: String,
    },
    /// No question is left to train on.
    #[error(
        "{}: no training question is left: of {checked}, {failed} have gold queries that fail and {empty} ones that \
         return nothing; check the databases, or set `data.check_gold` to false",
        root.display()
    )]
    NothingLeft {
        /// The data folder.
        root: PathBuf,
        /// Questions looked at.
        checked: usize,
        /// Gold queries that failed.
        failed: usize,
        /// Gold queries that returned nothing.
        empty: usize,
    },
}
