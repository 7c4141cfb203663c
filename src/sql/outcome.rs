//! What can come of a query.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::Table;

/// What came of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It ran; possibly no row came back.
    Rows(Table),
    /// Not SQL.
    SyntaxError(String),
    /// A table, column or function that is not there, or a name that could mean several.
    UnknownName(String),
    /// SQLite refused or gave up for another reason, before or while running it.
    RuntimeError(String),
    /// Stopped at the deadline.
    Timeout,
    /// The query, a value or the result is over a limit; the text says which.
    TooLarge(String),
    /// It wanted something else than to read; the text says what.
    Forbidden(String),
    /// More than one statement.
    SeveralStatements,
    /// No statement at all.
    EmptyText,
    /// The database itself cannot be read: missing or broken. Never the query's fault.
    DatabaseError(String),
}

impl Outcome {
    /// The outcome's name in events, files and on screen.
    pub fn kind(&self) -> &'static str {
        match self {
            Outcome::Rows(_) => "rows",
            Outcome::SyntaxError(_) => "syntax_error",
            Outcome::UnknownName(_) => "unknown_name",
            Outcome::RuntimeError(_) => "runtime_error",
            Outcome::Timeout => "timeout",
            Outcome::TooLarge(_) => "too_large",
            Outcome::Forbidden(_) => "forbidden",
            Outcome::SeveralStatements => "several_statements",
            Outcome::EmptyText => "empty_text",
            Outcome::DatabaseError(_) => "database_error",
        }
    }

    /// The text that goes with a failure, where there is one.
    pub fn message(&self) -> Option<&str> {
        match self {
            Outcome::SyntaxError(text)
            | Outcome::UnknownName(text)
            | Outcome::RuntimeError(text)
            | Outcome::TooLarge(text)
            | Outcome::Forbidden(text)
            | Outcome::DatabaseError(text) => Some(text),
            Outcome::Rows(_) | Outcome::Timeout | Outcome::SeveralStatements | Outcome::EmptyText => None,
        }
    }

    /// The result, if the query ran.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Outcome::Rows(table) => Some(table),
            _ => None,
        }
    }
}

/// An outcome with the time it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// What came of the query.
    pub outcome: Outcome,
    /// Wall-clock time from request to outcome.
    pub elapsed: Duration,
}
