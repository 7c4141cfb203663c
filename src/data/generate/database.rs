//! The SQLite side of a database that is made.

use std::path::Path;

use rusqlite::{Connection, params_from_iter, types};

use super::{
    error::GenerateError,
    random::Draw,
    rows::{self, Rows},
    schema::{Fill, Schema, TableSpec},
};
use crate::sql::{Table, Value};

/// Pages this small hold the small tables without much waste.
const PAGE_BYTES: u32 = 1024;

/// A database in memory, and a mirror of it with the rows the other way round and without keys: a query whose answer
/// depends on the data alone answers the same on both.
#[derive(Debug)]
pub struct World {
    /// What the database is like.
    pub schema: &'static Schema,
    /// The rows of each table.
    pub rows: Vec<Rows>,
    database: Connection,
    mirror: Connection,
}

impl World {
    /// Makes rows and fills both databases.
    ///
    /// # Errors
    /// [`GenerateError::Sqlite`].
    pub fn new(schema: &'static Schema, draw: &mut Draw) -> Result<Self, GenerateError> {
        let rows = rows::fill(schema, draw);
        let database = build(schema, &rows, false)?;
        let mirror = build(schema, &rows, true)?;
        Ok(Self { schema, rows, database, mirror })
    }

    /// The result of a query.
    ///
    /// # Errors
    /// [`GenerateError::Sqlite`].
    pub fn query(&self, sql: &str) -> Result<Table, GenerateError> {
        query(&self.database, sql).map_err(|source| failed(self.schema, sql, source))
    }

    /// The result of a query on the mirror.
    ///
    /// # Errors
    /// [`GenerateError::Sqlite`].
    pub fn query_mirror(&self, sql: &str) -> Result<Table, GenerateError> {
        query(&self.mirror, sql).map_err(|source| failed(self.schema, sql, source))
    }

    /// Writes the database to a file that must not exist. The bytes depend on nothing but the content and SQLite.
    ///
    /// # Errors
    /// [`GenerateError::Sqlite`].
    pub fn save(&self, file: &Path) -> Result<(), GenerateError> {
        let sql = "VACUUM INTO ?1";
        let saved = self.database.execute(sql, [file.to_string_lossy()]);
        saved.map(|_| ()).map_err(|source| failed(self.schema, sql, source))
    }
}

fn failed(schema: &Schema, sql: &str, source: rusqlite::Error) -> GenerateError {
    GenerateError::Sqlite { database: schema.name, sql: sql.to_owned(), source }
}

fn build(schema: &'static Schema, tables: &[Rows], mirrored: bool) -> Result<Connection, GenerateError> {
    let open = || {
        let connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        Ok(connection)
    };
    let connection = open().map_err(|source| failed(schema, "open", source))?;
    for (spec, rows) in schema.tables.iter().zip(tables) {
        let create = create_table(schema, spec, !mirrored);
        connection.execute_batch(&create).map_err(|source| failed(schema, &create, source))?;
        let places = vec!["?"; spec.columns.len()].join(", ");
        let insert = format!("INSERT INTO {} VALUES ({places})", spec.name);
        let result = if mirrored {
            insert_rows(&connection, &insert, rows.iter().rev())
        } else {
            insert_rows(&connection, &insert, rows.iter())
        };
        result.map_err(|source| failed(schema, &insert, source))?;
    }
    Ok(connection)
}

fn create_table(schema: &Schema, spec: &TableSpec, with_keys: bool) -> String {
    let mut parts = Vec::new();
    for column in spec.columns {
        let key = if with_keys && matches!(column.fill, Fill::Key) { " PRIMARY KEY" } else { "" };
        parts.push(format!("{} {}{key}", column.name, column.sql_type()));
    }
    for column in spec.columns.iter().filter(|_| with_keys) {
        let Fill::Ref(other, _) = column.fill else { continue };
        let key = schema.index(other).and_then(|index| schema.tables[index].key()).map_or("id", |key| key.name);
        parts.push(format!("FOREIGN KEY ({}) REFERENCES {other}({key})", column.name));
    }
    format!("CREATE TABLE {} ({})", spec.name, parts.join(", "))
}

fn insert_rows<'a>(
    connection: &Connection,
    insert: &str,
    rows: impl Iterator<Item = &'a Vec<Value>>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(insert)?;
    for row in rows {
        statement.execute(params_from_iter(row.iter().map(to_sqlite)))?;
    }
    Ok(())
}

fn query(connection: &Connection, sql: &str) -> rusqlite::Result<Table> {
    let mut statement = connection.prepare(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let width = columns.len();
    let row = |row: &rusqlite::Row<'_>| (0..width).map(|i| row.get(i).map(from_sqlite)).collect();
    let rows = statement.query_map([], row)?.collect::<rusqlite::Result<_>>()?;
    Ok(Table { columns, rows })
}

fn to_sqlite(value: &Value) -> types::Value {
    match value {
        Value::Null => types::Value::Null,
        Value::Integer(number) => types::Value::Integer(*number),
        Value::Real(number) => types::Value::Real(*number),
        Value::Text(text) => types::Value::Text(text.clone()),
        Value::Blob(bytes) => types::Value::Blob(bytes.clone()),
    }
}

fn from_sqlite(value: types::Value) -> Value {
    match value {
        types::Value::Null => Value::Null,
        types::Value::Integer(number) => Value::Integer(number),
        types::Value::Real(number) => Value::Real(number),
        types::Value::Text(text) => Value::Text(text),
        types::Value::Blob(bytes) => Value::Blob(bytes),
    }
}
