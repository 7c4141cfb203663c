//! What the model is asked: the schema, read from the database itself, and the question.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

use super::{DataError, Example};

/// Makes prompts, reading each database's schema once.
#[derive(Debug, Default)]
pub struct Prompts {
    schemas: Mutex<HashMap<PathBuf, Arc<str>>>,
}

impl Prompts {
    /// The user's message for an example.
    ///
    /// # Errors
    /// [`DataError::Schema`] where the database cannot be read.
    pub fn user_message(&self, example: &Example) -> Result<String, DataError> {
        let schema = self.schema(&example.database)?;
        Ok(user_message(&schema, &example.question))
    }

    fn schema(&self, database: &Path) -> Result<Arc<str>, DataError> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = schemas.get(database) {
            return Ok(Arc::clone(schema));
        }
        let schema: Arc<str> = schema_text(database)?.into();
        schemas.insert(database.to_owned(), Arc::clone(&schema));
        Ok(schema)
    }
}

/// The user's message: the schema, the question, what to do.
pub fn user_message(schema: &str, question: &str) -> String {
    format!("{schema}\n\n-- Question: {}\nWrite one SQLite query.", question.trim())
}

/// A database's tables in their order of creation, a `CREATE TABLE` line each: columns with their declared types, then
/// foreign keys. Names stand as the database has them, unquoted.
///
/// # Errors
/// [`DataError::Schema`] where the database cannot be read.
pub fn schema_text(database: &Path) -> Result<String, DataError> {
    read_schema(database).map_err(|source| DataError::Schema { database: database.to_owned(), source })
}

fn read_schema(database: &Path) -> rusqlite::Result<String> {
    let connection =
        Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let tables = texts(
        &connection,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
        None,
    )?;
    let lines = tables.iter().map(|[table, ..]| table_line(&connection, table));
    Ok(lines.collect::<rusqlite::Result<Vec<_>>>()?.join("\n"))
}

fn table_line(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let columns = texts(connection, "SELECT name, type FROM pragma_table_info(?1) ORDER BY cid", Some(table))?;
    let mut parts: Vec<String> =
        columns.iter().map(|[name, kind, ..]| format!("{name} {kind}").trim_end().to_owned()).collect();
    let keys = texts(
        connection,
        "SELECT id, \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq",
        Some(table),
    )?;
    for same_key in keys.chunk_by(|a, b| a[0] == b[0]) {
        let join = |i: usize| same_key.iter().map(|key| key[i].as_str()).filter(|c| !c.is_empty()).collect::<Vec<_>>();
        let (from, to) = (join(1).join(", "), join(3).join(", "));
        // A key that names no columns refers to the primary key.
        let to = if to.is_empty() { to } else { format!("({to})") };
        parts.push(format!("FOREIGN KEY ({from}) REFERENCES {}{to}", same_key[0][2]));
    }
    Ok(format!("CREATE TABLE {table} ({});", parts.join(", ")))
}

/// All rows of a query as text, four cells each, the missing ones empty.
fn texts(connection: &Connection, sql: &str, parameter: Option<&str>) -> rusqlite::Result<Vec<[String; 4]>> {
    let mut statement = connection.prepare(sql)?;
    let width = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(parameter))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = <[String; 4]>::default();
        for (i, cell) in cells.iter_mut().enumerate().take(width) {
            *cell = match row.get_ref(i)? {
                ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                ValueRef::Integer(number) => number.to_string(),
                _ => String::new(),
            };
        }
        all.push(cells);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
