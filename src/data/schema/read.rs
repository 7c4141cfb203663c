//! Tables, columns and keys of a database.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::ValueRef};

use super::{Column, ForeignKey, Schema, Table};

/// Opens a database for reading.
pub(super) fn open(database: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Reads the schema, without values. Views and SQLite's own tables are left out.
///
/// # Errors
/// SQLite's, where the file is missing or broken.
pub fn read_schema(database: &Path) -> rusqlite::Result<Schema> {
    let connection = open(database)?;
    let names = texts(
        &connection,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
        None,
    )?;
    let tables = names.into_iter().map(|[name, ..]| read_table(&connection, name));
    Ok(Schema { tables: tables.collect::<rusqlite::Result<_>>()? })
}

fn read_table(connection: &Connection, name: String) -> rusqlite::Result<Table> {
    let columns = texts(connection, "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid", Some(&name))?;
    let columns = columns.into_iter().map(|[name, kind, primary, _]| Column {
        name,
        kind,
        primary: primary != "0",
        samples: Vec::new(),
    });
    let keys = texts(
        connection,
        "SELECT id, \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq",
        Some(&name),
    )?;
    let join = |key: &[[String; 4]], i: usize| key.iter().map(|row| row[i].clone()).filter(|c| !c.is_empty()).collect();
    let foreign_keys = keys.chunk_by(|a, b| a[0] == b[0]).map(|key| ForeignKey {
        columns: join(key, 1),
        table: key[0][2].clone(),
        references: join(key, 3),
    });
    Ok(Table { columns: columns.collect(), foreign_keys: foreign_keys.collect(), name })
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
