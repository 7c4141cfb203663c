//! Whether two results are equal, by the rules of Spider's test-suite evaluator.

use std::collections::HashSet;

use super::{
    Table, Value, permute,
    python::{Equal, equal, printed_form},
};

/// Whether a predicted result equals gold's as `test-suite-sql-eval` decides it.
///
/// Cells are equal as in Python (1 is 1.0, but not "1"; NULL is NULL). Columns may come in any order. Rows are a
/// multiset, or a sequence if `order_matters`. Two results without rows are equal whatever their columns.
///
/// A quirk is kept: first, the cells within each row are sorted by how Python prints them and their types, and if then
/// the rows (their set, or the sequence) differ, the results are unequal. So 1 against 1.0 may cost the match in rows
/// of several cells, where the printed forms sort differently.
pub fn results_equal(gold: &Table, predicted: &Table, order_matters: bool) -> bool {
    let (a, b) = (&gold.rows, &predicted.rows);
    if a.is_empty() && b.is_empty() {
        return true;
    }
    if a.len() != b.len() || a[0].len() != b[0].len() {
        return false;
    }
    identical(a, b) || (sorted_rows_agree(a, b, order_matters) && permute::columns_match(a, b, order_matters))
}

/// Whether two sequences of rows are the same to the last bit: most right answers are, and need no search.
pub fn identical(a: &[Vec<Value>], b: &[Vec<Value>]) -> bool {
    let same_cell = |(x, y): (&Value, &Value)| match (x, y) {
        (Value::Real(x), Value::Real(y)) => x.to_bits() == y.to_bits(),
        _ => x == y,
    };
    let same_row = |(x, y): (&Vec<Value>, &Vec<Value>)| x.len() == y.len() && x.iter().zip(y).all(same_cell);
    a.len() == b.len() && a.iter().zip(b).all(same_row)
}

fn sorted_rows_agree(a: &[Vec<Value>], b: &[Vec<Value>], order_matters: bool) -> bool {
    if order_matters {
        return a.iter().zip(b).all(|(x, y)| sorted(x) == sorted(y));
    }
    let first: HashSet<_> = a.iter().map(|row| sorted(row)).collect();
    let second: HashSet<_> = b.iter().map(|row| sorted(row)).collect();
    first == second
}

fn sorted(row: &[Value]) -> Vec<Equal<'_>> {
    let mut cells: Vec<&Value> = row.iter().collect();
    cells.sort_by_cached_key(|cell| printed_form(cell));
    cells.into_iter().map(equal).collect()
}

#[cfg(test)]
mod tests;
