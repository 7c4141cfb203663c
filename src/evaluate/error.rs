//! Why there is no evaluation.

use std::{io, path::PathBuf};

use crate::{data::DataError, model::ModelError, rl::TrainError, sql::official::TablesError};

/// Why there is no evaluation, or no comparison of two.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The model, the data or the settings are of no use.
    #[error(transparent)]
    Engine(#[from] TrainError),
    /// `tables.json` is there and of no use.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A result cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that is no answer.
    #[error("{}, line {line}: {why}; expected the lines that `eval --out` or `score --json` writes", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Two files with no question in common.
    #[error("{} and {} have no question in common; compare answers to the same file of questions", a.display(), b.display())]
    NothingCommon {
        /// The first file.
        a: PathBuf,
        /// The second file.
        b: PathBuf,
    },
    /// Something that the command line asks for and that cannot be.
    #[error("{0}")]
    Usage(String),
}

impl From<ModelError> for EvalError {
    fn from(error: ModelError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<DataError> for EvalError {
    fn from(error: DataError) -> Self {
        Self::Engine(error.into())
    }
}
