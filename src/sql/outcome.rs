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
    /// Stopped before it was done.
    Timeout(Overrun),
    /// The query, a value, the result or the memory that it takes is over a limit; the text says which.
    TooLarge(String),
    /// It wanted something else than to read; the text says what.
    Forbidden(String),
    /// More than one statement.
    SeveralStatements,
    /// No statement at all.
    EmptyText,
    /// The database itself cannot be read: missing or broken, or no worker can be started to read it. Never the query's
    /// fault.
    DatabaseError(String),
}

/// Why a query was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overrun {
    /// Its budget of steps of SQLite's virtual machine was used up: the same on every machine and each time.
    Steps,
    /// The clock ran out, which depends on the machine and on what else it does.
    Clock,
}

impl Overrun {
    /// What happened, in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::Steps => "the budget of steps is used up (sql.max_steps)",
            Self::Clock => "stopped by the clock (sql.timeout), before its budget of steps was used up",
        }
    }
}

impl Outcome {
    /// The outcome's name in events, files and on screen.
    pub fn kind(&self) -> &'static str {
        match self {
            Outcome::Rows(_) => "rows",
            Outcome::SyntaxError(_) => "syntax_error",
            Outcome::UnknownName(_) => "unknown_name",
            Outcome::RuntimeError(_) => "runtime_error",
            Outcome::Timeout(_) => "timeout",
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
            Outcome::Timeout(overrun) => Some(overrun.message()),
            Outcome::Rows(_) | Outcome::SeveralStatements | Outcome::EmptyText => None,
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
