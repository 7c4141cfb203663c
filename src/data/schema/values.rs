//! Values of a database's columns: some to show, and those by which a question can mention a table.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use rusqlite::{Connection, types::ValueRef};

use super::{Schema, read::open, words::phrase};

/// Rows from which values to show are taken.
const SAMPLED_ROWS: usize = 1_000;
/// Rows and distinct values of a column that are looked at for what a question may mention.
const SEARCHED_ROWS: usize = 10_000;
const SEARCHED_VALUES: usize = 2_000;
/// Characters of a value that is shown; longer ones are cut.
const SHOWN: usize = 40;
/// Words of a value that a question may mention.
const MOST_WORDS: usize = 6;

/// Adds to each column the first `count` distinct values among the table's first thousand rows. Missing values, empty
/// texts and binary data are none.
///
/// # Errors
/// SQLite's.
pub fn sample_values(schema: &mut Schema, database: &Path, count: usize) -> rusqlite::Result<()> {
    let connection = open(database)?;
    for table in &mut schema.tables {
        for column in &mut table.columns {
            let mut samples = Vec::new();
            distinct(&connection, &table.name, &column.name, (SAMPLED_ROWS, count), |value| {
                samples.extend(literal(value));
            })?;
            column.samples = samples;
        }
    }
    Ok(())
}

/// The texts in the columns, as lower-case words with a space between, with the tables that have them.
///
/// # Errors
/// SQLite's.
pub fn find_values(schema: &Schema, database: &Path) -> rusqlite::Result<HashMap<String, BTreeSet<usize>>> {
    let connection = open(database)?;
    let mut found: HashMap<String, BTreeSet<usize>> = HashMap::new();
    for (index, table) in schema.tables.iter().enumerate() {
        for column in &table.columns {
            distinct(&connection, &table.name, &column.name, (SEARCHED_ROWS, SEARCHED_VALUES), |value| {
                let ValueRef::Text(bytes) = value else { return };
                let phrase = phrase(&String::from_utf8_lossy(bytes));
                if phrase.len() >= 3 && phrase.split(' ').count() <= MOST_WORDS {
                    found.entry(phrase).or_default().insert(index);
                }
            })?;
        }
    }
    Ok(found)
}

/// Calls `each` with up to so many distinct values among the first so many rows of a column.
fn distinct(
    connection: &Connection,
    table: &str,
    column: &str,
    (rows, values): (usize, usize),
    mut each: impl FnMut(ValueRef<'_>),
) -> rusqlite::Result<()> {
    let name = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (column, table) = (name(column), name(table));
    let mut statement = connection.prepare(&format!(
        "SELECT DISTINCT v FROM (SELECT {column} AS v FROM {table} LIMIT {rows}) \
         WHERE v IS NOT NULL AND v <> '' AND typeof(v) <> 'blob' LIMIT {values}"
    ))?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        each(row.get_ref(0)?);
    }
    Ok(())
}

fn literal(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) => {
            let text: String = String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
            let cut = text.chars().count() > SHOWN;
            let shown: String = text.chars().take(SHOWN).collect();
            Some(format!("'{}{}'", shown.replace('\'', "''"), if cut { "…" } else { "" }))
        }
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}
