//! The outcome of a query, cut to what a screen can show and made safe for it.

use crate::{
    run::event::ResultPreview,
    sql::{Execution, Table},
};

/// Rows shown.
const ROWS: usize = 20;
/// Columns shown.
const COLUMNS: usize = 12;
/// Characters of a cell or column name shown.
const CELL: usize = 60;
/// Characters of a message shown.
const MESSAGE: usize = 300;

/// The first rows and columns of a result, or the error's text. Databases and models are not trusted: characters that
/// could move the cursor, start an escape sequence or turn the reading direction are replaced.
pub fn preview(execution: &Execution) -> ResultPreview {
    let outcome = &execution.outcome;
    let empty = Table::default();
    let table = outcome.table().unwrap_or(&empty);
    let cells =
        |row: &Vec<crate::sql::Value>| row.iter().take(COLUMNS).map(|cell| clean(&cell.display(), CELL)).collect();
    ResultPreview {
        outcome: outcome.kind().to_owned(),
        message: outcome.message().map(|message| clean(message, MESSAGE)),
        columns: table.columns.iter().take(COLUMNS).map(|name| clean(name, CELL)).collect(),
        rows: table.rows.iter().take(ROWS).map(cells).collect(),
        total_rows: table.rows.len(),
        millis: execution.elapsed.as_secs_f64() * 1e3,
    }
}

/// The text, harmless and at most `limit` characters long; what was cut off is marked by an ellipsis.
fn clean(text: &str, limit: usize) -> String {
    let mut cleaned: String = text.chars().take(limit).map(harmless).collect();
    if text.chars().nth(limit).is_some() {
        cleaned.pop();
        cleaned.push('…');
    }
    cleaned
}

fn harmless(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        // Invisible characters, line separators, and marks that change the direction of text.
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use std::{iter::repeat_n, time::Duration};

    use proptest::prelude::*;

    use super::*;
    use crate::sql::{Outcome, Overrun, Value};

    fn shown(outcome: Outcome) -> ResultPreview {
        preview(&Execution { outcome, elapsed: Duration::from_millis(3) })
    }

    #[test]
    fn large_results_are_cut() {
        let row = vec![Value::Text("x".repeat(1000)); 40];
        let columns = repeat_n("c".repeat(100), 40).collect();
        let shown = shown(Outcome::Rows(Table { columns, rows: vec![row; 500] }));
        assert_eq!((shown.columns.len(), shown.rows.len(), shown.rows[0].len()), (COLUMNS, ROWS, COLUMNS));
        assert_eq!(shown.rows[0][0].chars().count(), CELL);
        assert!(shown.rows[0][0].ends_with("x…"));
        assert_eq!((shown.total_rows, shown.millis), (500, 3.0));
    }

    #[test]
    fn values_and_failures_are_told() {
        let row = vec![Value::Null, Value::Integer(-1), Value::Real(2.0), Value::Blob(vec![1, 255])];
        let table = Table { columns: vec!["a".into(); 4], rows: vec![row] };
        assert_eq!(shown(Outcome::Rows(table)).rows, [["NULL", "-1", "2.0", "X'01ff'"]]);
        let failed = shown(Outcome::UnknownName("no such table: \u{1b}[2J".into()));
        assert_eq!(failed.outcome, "unknown_name");
        assert_eq!(failed.message.as_deref(), Some("no such table: \u{fffd}[2J"));
        assert_eq!(shown(Outcome::EmptyText).message, None);
        assert!(shown(Outcome::Timeout(Overrun::Clock)).message.unwrap().contains("clock"));
    }

    proptest! {
        #[test]
        fn nothing_shown_can_steer_a_terminal(text in any::<String>()) {
            let table = Table { columns: vec![text.clone()], rows: vec![vec![Value::Text(text.clone())]] };
            let shown = shown(Outcome::Rows(table));
            for text in [&shown.columns[0], &shown.rows[0][0]] {
                prop_assert!(text.chars().count() <= CELL);
                prop_assert!(!text.chars().any(char::is_control));
            }
        }
    }
}
