//! Why figures do not get where they should.

use std::path::PathBuf;

use crate::run::store::StoreError;

/// An export that did not work.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was measured yet.
    #[error("there is nothing to export yet: no step is done")]
    Empty,
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An address that cannot be one.
    #[error(
        "{uri:?} is no address of an MLflow server: give one as in http://localhost:5000 (this program speaks no TLS)"
    )]
    Address {
        /// The address.
        uri: String,
    },
    /// The server does not answer.
    #[error("{uri} does not answer: {why}")]
    Unreachable {
        /// The server.
        uri: String,
        /// Why.
        why: String,
    },
    /// The server answers that it will not.
    #[error("{uri} refuses {call} with status {status}: {message}")]
    Refused {
        /// The server.
        uri: String,
        /// What was asked.
        call: &'static str,
        /// HTTP's status.
        status: u16,
        /// MLflow's `error_code`, where there is one.
        code: String,
        /// Its words.
        message: String,
    },
    /// An answer that is none.
    #[error("{uri} answers {call} with something that this program does not understand: {why}")]
    Answer {
        /// The server.
        uri: String,
        /// What was asked.
        call: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl ExportError {
    /// Whether the server says that there is no such thing.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "RESOURCE_DOES_NOT_EXIST")
    }
}
