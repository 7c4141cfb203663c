//! Whether two results are equal by the plain recipe.

use std::collections::HashSet;

use super::{Table, Value, python};

/// Whether two results have the same set of rows, with each cell as lower-cased text and NULL as `null`.
///
/// Duplicates and order do not count, columns must be in the same order, and 1 is not 1.0 (methods.md 2.7).
pub fn results_equal_loosely(gold: &Table, predicted: &Table) -> bool {
    rows(gold) == rows(predicted)
}

fn rows(table: &Table) -> HashSet<Vec<String>> {
    table.rows.iter().map(|row| row.iter().map(cell).collect()).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        other => python::text(other).to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[Value]]) -> Table {
        Table { columns: Vec::new(), rows: rows.iter().map(|row| row.to_vec()).collect() }
    }

    #[test]
    fn rows_are_a_set_of_lower_case_text() {
        let text = |t: &str| Value::Text(t.into());
        let gold = table(&[&[text("Anna"), Value::Null], &[Value::Integer(1), text("x")]]);
        let same = table(&[&[text("1"), text("X")], &[text("ANNA"), text("NULL")], &[text("1"), text("x")]]);
        assert!(results_equal_loosely(&gold, &same));
        assert!(!results_equal_loosely(&gold, &table(&[&[text("anna"), Value::Null]])));
        assert!(!results_equal_loosely(&table(&[&[Value::Integer(1)]]), &table(&[&[Value::Real(1.0)]])));
        let swapped = table(&[&[Value::Null, text("anna")], &[text("x"), Value::Integer(1)]]);
        assert!(!results_equal_loosely(&gold, &swapped));
    }
}
