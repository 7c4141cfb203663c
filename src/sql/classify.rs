//! From SQLite's errors to outcomes.

use rusqlite::{Error, ErrorCode};

use super::{Outcome, Overrun};

/// Beginnings of the messages by which SQLite says that a name means nothing, or several things.
const UNKNOWN: [&str; 8] = [
    "no such column",
    "no such table",
    "no such function",
    "no such module",
    "no such index",
    "no such collation sequence",
    "no such window",
    "ambiguous column name",
];

/// Parts of the messages by which SQLite says that a text is no SQL.
const SYNTAX: [&str; 4] = ["syntax error", "incomplete input", "unrecognized token", "parser stack overflow"];

/// The outcome that an error of SQLite's amounts to. `objection` is what the authorizer refused, if it did; `overrun` is
/// what an interruption was for.
pub fn outcome(error: &Error, objection: Option<String>, overrun: Overrun) -> Outcome {
    if let Some(what) = objection {
        return Outcome::Forbidden(what);
    }
    let message = message(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Outcome::Timeout(overrun),
        Some(ErrorCode::TooBig) => Outcome::TooLarge(message),
        Some(ErrorCode::OutOfMemory) => Outcome::TooLarge("out of memory".into()),
        Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly) => Outcome::Forbidden(message),
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked,
        ) => Outcome::DatabaseError(message),
        _ if UNKNOWN.iter().any(|start| message.starts_with(start)) => Outcome::UnknownName(message),
        _ if SYNTAX.iter().any(|part| message.contains(part)) => Outcome::SyntaxError(message),
        _ => Outcome::RuntimeError(message),
    }
}

fn message(error: &Error) -> String {
    match error {
        // Their Display repeats the whole query.
        Error::SqlInputError { msg, .. } | Error::SqliteFailure(_, Some(msg)) => msg.clone(),
        other => other.to_string(),
    }
}
