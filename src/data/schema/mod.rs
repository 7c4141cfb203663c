//! A database's tables, columns and keys, read from the database itself, with some of its values.

mod read;
mod values;
pub(super) mod words;

use serde::Serialize;

pub use read::read_schema;
pub use values::{find_values, sample_values};

/// The tables of a database, in their order of creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// The tables.
    pub tables: Vec<Table>,
}

/// A table. Names are as the database has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its references to other tables, the newest first, as SQLite lists them.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as declared; empty if there is none.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is in the primary key.
    pub primary: bool,
    /// Some of its values as SQL literals.
    pub samples: Vec<String>,
}

/// A reference to another table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ForeignKey {
    /// Columns here.
    pub columns: Vec<String>,
    /// The other table.
    pub table: String,
    /// Columns there; empty where the other table's primary key is meant.
    pub references: Vec<String>,
}

impl Schema {
    /// The schema with only these tables, and with none of the keys that refer to others.
    #[must_use]
    pub fn only(&self, keep: &[usize]) -> Self {
        let mut tables: Vec<Table> =
            self.tables.iter().enumerate().filter(|(i, _)| keep.contains(i)).map(|(_, table)| table.clone()).collect();
        let names: Vec<String> = tables.iter().map(|table| table.name.to_lowercase()).collect();
        for table in &mut tables {
            table.foreign_keys.retain(|key| names.contains(&key.table.to_lowercase()));
        }
        Self { tables }
    }

    /// Pairs of tables that a key joins.
    pub fn joined(&self) -> Vec<(usize, usize)> {
        let index = |name: &str| self.tables.iter().position(|table| table.name.eq_ignore_ascii_case(name));
        let keys = self.tables.iter().enumerate().flat_map(|(i, table)| table.foreign_keys.iter().map(move |k| (i, k)));
        keys.filter_map(|(from, key)| Some((from, index(&key.table)?))).collect()
    }

    /// A line for each table, in the form of a `CREATE TABLE` statement with names unquoted; where values are there,
    /// they follow on a line of their own.
    pub fn text(&self) -> String {
        let lines = self.tables.iter().flat_map(|table| [Some(table.line()), table.values()]).flatten();
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Table {
    fn line(&self) -> String {
        let columns =
            self.columns.iter().map(|column| format!("{} {}", column.name, column.kind).trim_end().to_owned());
        let parts: Vec<String> = columns.chain(self.foreign_keys.iter().map(ForeignKey::clause)).collect();
        format!("CREATE TABLE {} ({});", self.name, parts.join(", "))
    }

    fn values(&self) -> Option<String> {
        let columns = self.columns.iter().filter(|column| !column.samples.is_empty());
        let values: Vec<String> =
            columns.map(|column| format!("{}: {}", column.name, column.samples.join(", "))).collect();
        (!values.is_empty()).then(|| format!("-- values of {}; {}", self.name, values.join("; ")))
    }
}

impl ForeignKey {
    fn clause(&self) -> String {
        let to = if self.references.is_empty() { String::new() } else { format!("({})", self.references.join(", ")) };
        format!("FOREIGN KEY ({}) REFERENCES {}{to}", self.columns.join(", "), self.table)
    }
}

/// A name as SQL has to write it: in double quotes unless it is a plain word.
pub fn quoted(name: &str) -> String {
    let plain =
        name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !name.is_empty() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests;
