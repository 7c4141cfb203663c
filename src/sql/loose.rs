//! Whether two results are equal by the plain recipe.

use foldhash::{HashSet, HashSetExt as _};

use super::{Table, Value, compare::identical, python};

/// Whether two results have the same set of rows, with each cell as lower-cased text and NULL as `null`.
///
/// Duplicates and order do not count, columns must be in the same order, and 1 is not 1.0 (methods.md 2.7).
pub fn results_equal_loosely(gold: &Table, predicted: &Table) -> bool {
    identical(&gold.rows, &predicted.rows) || differ_in_form_only(gold, predicted)
}

fn differ_in_form_only(gold: &Table, predicted: &Table) -> bool {
    let (gold, predicted) = (Keys::of(gold), Keys::of(predicted));
    let wanted: HashSet<&[u8]> = gold.iter().collect();
    let mut found = HashSet::with_capacity(wanted.len());
    for row in predicted.iter() {
        if !wanted.contains(row) {
            return false;
        }
        found.insert(row);
    }
    found.len() == wanted.len()
}

/// Each row as bytes, different for different rows.
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    fn of(table: &Table) -> Self {
        let mut keys = Self { bytes: Vec::new(), ends: Vec::with_capacity(table.rows.len()) };
        for row in &table.rows {
            for value in row {
                keys.push(value);
            }
            keys.ends.push(keys.bytes.len());
        }
        keys
    }

    /// Adds a cell and after it its length: so a row can be read from its end in one way only.
    fn push(&mut self, value: &Value) {
        let start = self.bytes.len();
        match value {
            Value::Null => self.bytes.extend_from_slice(b"null"),
            Value::Text(text) if text.is_ascii() => {
                self.bytes.extend_from_slice(text.as_bytes());
                self.bytes[start..].make_ascii_lowercase();
            }
            other => self.bytes.extend_from_slice(python::text(other).to_lowercase().as_bytes()),
        }
        let length = self.bytes.len() - start;
        self.bytes.extend_from_slice(&(length as u64).to_le_bytes());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }
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
