//! Plausible rows.

use std::collections::BTreeSet;

use super::{
    random::Draw,
    schema::{Column, Fill, Schema, TableSpec},
    words::{ADJECTIVES, FIRST, LAST},
};
use crate::sql::Value;

/// Rows of one table; a cell for each column.
pub type Rows = Vec<Vec<Value>>;

/// Parents that stay without children, so that questions for those without have an answer.
const CHILDLESS: usize = 2;

/// The rows of all tables of a database.
pub fn fill(schema: &Schema, draw: &mut Draw) -> Vec<Rows> {
    let mut tables: Vec<Rows> = Vec::new();
    for spec in schema.tables {
        let parents = parents(schema, spec, &tables, draw);
        tables.push(fill_table(spec, &parents, draw));
    }
    tables
}

/// For each column that refers to a table, the keys it may hold, the frequent ones first.
fn parents(schema: &Schema, spec: &TableSpec, tables: &[Rows], draw: &mut Draw) -> Vec<Vec<i64>> {
    let mut keys = |column: &Column| {
        let Fill::Ref(table, _) = column.fill else { return Vec::new() };
        let rows = schema.index(table).and_then(|index| tables.get(index)).map_or(0, Vec::len);
        let mut keys: Vec<i64> = (1..=rows as i64).collect();
        draw.shuffle(&mut keys);
        keys.truncate(rows.saturating_sub(CHILDLESS).max(1));
        keys
    };
    spec.columns.iter().map(&mut keys).collect()
}

fn fill_table(spec: &TableSpec, parents: &[Vec<i64>], draw: &mut Draw) -> Rows {
    let mut rows = Rows::new();
    // Names and pairs of references stand once in a table.
    let mut seen = BTreeSet::new();
    for id in 1..=spec.rows {
        for _attempt in 0..200 {
            let columns = spec.columns.iter().zip(parents);
            let row: Vec<Value> = columns.map(|(column, keys)| cell(column, id, keys, draw)).collect();
            if spec.columns.iter().any(Column::is_label) && !seen.insert(distinct_part(spec, &row, Column::is_label)) {
                continue;
            }
            let is_reference = |column: &Column| matches!(column.fill, Fill::Ref(..));
            let pairs = spec.key().is_none() && spec.columns.iter().filter(|c| is_reference(c)).count() > 1;
            if pairs && !seen.insert(distinct_part(spec, &row, is_reference)) {
                continue;
            }
            rows.push(row);
            break;
        }
    }
    rows
}

fn distinct_part(spec: &TableSpec, row: &[Value], wanted: impl Fn(&Column) -> bool) -> String {
    let cells = spec.columns.iter().zip(row).filter(|(column, _)| wanted(column));
    cells.map(|(_, value)| value.display()).collect::<Vec<_>>().join("\n")
}

fn cell(column: &Column, id: usize, keys: &[i64], draw: &mut Draw) -> Value {
    match column.fill {
        Fill::Key => Value::Integer(id as i64),
        Fill::Ref(..) => {
            // The lesser of two: some parents have many children, most have a few.
            let index = draw.below(keys.len()).min(draw.below(keys.len()));
            keys.get(index).map_or(Value::Null, |key| Value::Integer(*key))
        }
        Fill::Person => Value::Text(format!("{} {}", draw.word(FIRST), draw.word(LAST))),
        Fill::Title(nouns) => Value::Text(format!("{} {}", draw.word(ADJECTIVES), draw.word(nouns))),
        Fill::Unique(words) => Value::Text(draw.word(words).to_owned()),
        Fill::Pick(words) => {
            // Words that stand earlier come more often, so that there is a most frequent one.
            let index = draw.below(words.len()).min(draw.below(words.len() + 2));
            Value::Text(words.get(index).copied().unwrap_or_default().to_owned())
        }
        Fill::Whole(low, high, step) => Value::Integer(low + step * draw.between(0, (high - low) / step)),
        Fill::Year(first, last) => Value::Integer(draw.between(first, last)),
        Fill::Half(low, high) => Value::Real(draw.between(2 * low, 2 * high) as f64 / 2.0),
        Fill::Date(first, last) => {
            let (year, month, day) = (draw.between(first, last), draw.between(1, 12), draw.between(1, 28));
            Value::Text(format!("{year}-{month:02}-{day:02}"))
        }
    }
}
