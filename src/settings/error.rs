//! Errors that say where a setting stands, what it is, and what it may be.

use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not YAML, or a key or a type is wrong.
    #[error("{}:{line}:{column}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 if not known.
        line: usize,
        /// Column, from 1; 0 if not known.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// A flag or a `--set` is wrong.
    #[error("{origin}: {message}")]
    Flag {
        /// The flag as given.
        origin: String,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// Settings are of the right type, but cannot be.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Impossible(Vec<Impossible>),
}

/// A value of the right type that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {key} is {value}; allowed: {allowed}")]
pub struct Impossible {
    /// File and line, or the flag, or `default`.
    pub place: String,
    /// The key, as `group.name`.
    pub key: String,
    /// The value found.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}
