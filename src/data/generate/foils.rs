//! Whether a query is worth asking for.
//!
//! A gold query must have an answer that follows from the data alone, and every part of it must matter: a foil is the
//! query with a part changed or left out, the mistake of a model that overlooked it. If a foil had the same result, the
//! mistake would be rewarded.

use super::{
    bind::Binding,
    database::World,
    error::GenerateError,
    template::{Piece, pieces, query},
};
use crate::sql::{Table, Value, results_equal};

/// Parts of queries with what a foil has instead. Aggregates are among them so that none is asked for over one row.
const CHANGES: [(&str, &str); 11] = [
    (" DESC", " ASC"),
    (" ASC", " DESC"),
    ("DISTINCT ", ""),
    (" NOT IN ", " IN "),
    (" > (", " <= ("),
    (" < (", " >= ("),
    ("count(*)", "min(1)"),
    ("avg(", "max("),
    ("sum(", "max("),
    ("max(", "min("),
    ("min(", "max("),
];

/// Whether the query has rows, does not depend on the order of rows, and differs from all its foils.
///
/// # Errors
/// [`GenerateError`] for a mistake in the shape.
pub fn is_sound(binding: &Binding, sql: &str, world: &World) -> Result<bool, GenerateError> {
    let result = world.query(sql)?;
    if says_nothing(&result) {
        return Ok(false);
    }
    let ordered = sql.contains("ORDER BY");
    if !results_equal(&result, &world.query_mirror(sql)?, ordered) {
        return Ok(false);
    }
    for foil in foils(binding, sql)? {
        if results_equal(&result, &world.query(&foil)?, ordered) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// No rows, or nothing but NULL and 0 in them.
fn says_nothing(result: &Table) -> bool {
    let empty = |value: &Value| matches!(value, Value::Null | Value::Integer(0));
    result.rows.iter().all(|row| row.iter().all(empty))
}

/// The query's foils.
fn foils(binding: &Binding, sql: &str) -> Result<Vec<String>, GenerateError> {
    let mut foils = Vec::new();
    for piece in pieces(binding.shape.sql) {
        let Piece::Slot(slot) = piece else { continue };
        if binding.conditions.contains_key(&(slot.table, slot.role)) {
            foils.push(query(binding, Some((slot.text, "1 = 1")))?);
            foils.push(query(binding, Some((slot.text, "1 = 0")))?);
        }
    }
    for operator in [" INTERSECT ", " UNION ", " EXCEPT "] {
        if let Some((left, right)) = sql.split_once(operator) {
            foils.extend([left.to_owned(), right.to_owned()]);
        }
    }
    for part in [" HAVING ", " LIMIT "] {
        foils.extend(sql.split_once(part).map(|(before, _)| before.to_owned()));
    }
    for (part, change) in CHANGES {
        if sql.contains(part) {
            foils.push(sql.replace(part, change));
        }
    }
    Ok(foils)
}
