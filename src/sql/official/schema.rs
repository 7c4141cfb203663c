//! The tables and columns that the parser has to know.

use std::{collections::HashMap, path::Path};

use rusqlite::{Connection, OpenFlags};
/// Tables with their columns, all in lower case.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    tables: HashMap<String, Vec<String>>,
}

impl Schema {
    /// Reads a database's own schema.
    ///
    /// # Errors
    /// SQLite's, where the file is missing or broken.
    pub fn read(database: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        let mut statement = connection.prepare(
            "SELECT lower(m.name), lower(c.name) FROM sqlite_schema m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' ORDER BY m.rowid, c.cid",
        )?;
        let mut rows = statement.query([])?;
        let mut tables: HashMap<String, Vec<String>> = HashMap::new();
        while let Some(row) = rows.next()? {
            tables.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        Ok(Self { tables })
    }

    /// Whether there is such a table.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Whether the table has such a column.
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.iter().any(|c| c == column))
    }

    /// Whether any table or column has this name.
    pub fn has_name(&self, name: &str) -> bool {
        self.has_table(name) || self.tables.values().flatten().any(|column| column == name)
    }

    /// The names of all tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }
}

#[cfg(test)]
impl Schema {
    /// A schema from pairs of table and columns.
    pub fn of(tables: &[(&str, &[&str])]) -> Self {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self { tables: tables.iter().map(|(table, columns)| ((*table).to_owned(), own(columns))).collect() }
    }
}
