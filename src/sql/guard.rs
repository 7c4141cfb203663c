//! Which statements may run: those that only read.

use rusqlite::hooks::{AuthAction, Authorization, TransactionOperation};

/// Pragmas that only tell what the schema is.
const HARMLESS_PRAGMAS: [&str; 8] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "collation_list",
];

/// Functions that reach outside of the database, where an SQLite build has them.
const FORBIDDEN_FUNCTIONS: [&str; 6] = ["load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "fsdir"];

/// Tables that show the file's raw pages or the program's memory.
const FORBIDDEN_TABLES: [&str; 3] = ["sqlite_dbpage", "sqlite_memstat", "sqlite_stmt"];

/// Says what an action is that must not happen, in words; `None` if it may.
pub fn objection(action: &AuthAction<'_>) -> Option<String> {
    match action {
        AuthAction::Select | AuthAction::Recursive => None,
        AuthAction::Read { table_name, .. } => {
            listed(&FORBIDDEN_TABLES, table_name).then(|| format!("reading {table_name}"))
        }
        AuthAction::Function { function_name } => {
            listed(&FORBIDDEN_FUNCTIONS, function_name).then(|| format!("the function {function_name}"))
        }
        AuthAction::Pragma { pragma_name, .. } => {
            (!listed(&HARMLESS_PRAGMAS, pragma_name)).then(|| format!("PRAGMA {pragma_name}"))
        }
        other => Some(name(other)),
    }
}

/// What SQLite shall do about an action.
pub fn verdict(objection: Option<&String>) -> Authorization {
    if objection.is_some() { Authorization::Deny } else { Authorization::Allow }
}

fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|entry| entry.eq_ignore_ascii_case(name))
}

fn name(action: &AuthAction<'_>) -> String {
    match action {
        AuthAction::Attach { .. } => "ATTACH".into(),
        AuthAction::Detach { .. } => "DETACH".into(),
        AuthAction::Insert { table_name } => format!("writing to {table_name}"),
        AuthAction::Update { table_name, .. } => format!("changing {table_name}"),
        AuthAction::Delete { table_name } => format!("deleting from {table_name}"),
        AuthAction::Transaction { operation } | AuthAction::Savepoint { operation, .. } => match operation {
            TransactionOperation::Begin => "BEGIN or SAVEPOINT".into(),
            TransactionOperation::Release => "COMMIT or RELEASE".into(),
            TransactionOperation::Rollback => "ROLLBACK".into(),
            _ => "a transaction statement".into(),
        },
        AuthAction::Reindex { .. } => "REINDEX".into(),
        AuthAction::Analyze { .. } => "ANALYZE".into(),
        _ => "changing the schema".into(),
    }
}
