//! Whether two results are equal by the plain recipe.

use std::collections::HashSet;

use super::{Table, Value, compare::identical, python};

/// Whether two results have the same set of rows, with each cell as lower-cased text and NULL as `null`.
///
/// Duplicates and order do not count, columns must be in the same order, and 1 is not 1.0 (methods.md 2.7).
pub fn results_equal_loosely(gold: &Table, predicted: &Table) -> bool {
    identical(&gold.rows, &predicted.rows) || differ_in_form_only(gold, predicted)
}

fn differ_in_form_only(gold: &Table, predicted: &Table) -> bool {
    let wanted: HashSet<String> = gold.rows.iter().map(|row| key(row)).collect();
    let mut found = HashSet::with_capacity(wanted.len());
    for row in &predicted.rows {
        let row = key(row);
        if !wanted.contains(&row) {
            return false;
        }
        found.insert(row);
    }
    found.len() == wanted.len()
}

/// A row as one text, different for different rows: each cell follows its length.
fn key(row: &[Value]) -> String {
    let mut key = String::with_capacity(row.len() * 16);
    for value in row {
        let start = key.len();
        match value {
            Value::Null => key.push_str("null"),
            Value::Text(text) if text.is_ascii() => {
                key.extend(text.bytes().map(|b| char::from(b.to_ascii_lowercase())));
            }
            other => key.push_str(&python::text(other).to_lowercase()),
        }
        let length = key.len() - start;
        // A number between two characters that no number has.
        key.push('\u{1f}');
        key.push_str(&length.to_string());
        key.push('\u{1f}');
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[Value]]) -> Table {
        Table { columns: Vec::new(), rows: rows.iter().map(|row| row.to_vec()).collect() }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn rows_are_a_set_of_lower_case_text() {
        let gold = table(&[&[text("Anna"), Value::Null], &[Value::Integer(1), text("x")]]);
        let same = table(&[&[text("1"), text("X")], &[text("ANNA"), text("NULL")], &[text("1"), text("x")]]);
        assert!(results_equal_loosely(&gold, &same));
        assert!(!results_equal_loosely(&gold, &table(&[&[text("anna"), Value::Null]])));
        assert!(!results_equal_loosely(&table(&[&[text("anna"), Value::Null]]), &gold));
        assert!(!results_equal_loosely(&table(&[&[Value::Integer(1)]]), &table(&[&[Value::Real(1.0)]])));
        let swapped = table(&[&[Value::Null, text("anna")], &[text("x"), Value::Integer(1)]]);
        assert!(!results_equal_loosely(&gold, &swapped));
    }

    #[test]
    fn case_is_that_of_unicode() {
        assert!(results_equal_loosely(&table(&[&[text("ÀÉ")]]), &table(&[&[text("àé")]])));
        assert!(!results_equal_loosely(&table(&[&[text("ß")]]), &table(&[&[text("ss")]])));
    }

    #[test]
    fn cells_do_not_run_into_each_other() {
        for (a, b) in [(["a", "bc"], ["ab", "c"]), (["", "a"], ["a", ""]), (["a\u{1f}1\u{1f}", ""], ["a", ""])] {
            assert!(!results_equal_loosely(&table(&[&[text(a[0]), text(a[1])]]), &table(&[&[text(b[0]), text(b[1])]])));
        }
    }

    #[test]
    fn empty_results_are_equal() {
        assert!(results_equal_loosely(&table(&[]), &table(&[])));
        assert!(!results_equal_loosely(&table(&[&[Value::Null]]), &table(&[])));
    }
}
