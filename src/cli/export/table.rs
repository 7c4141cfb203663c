//! Cells of comma-separated values (RFC 4180).

use crate::harmless;

/// A cell of text. Spreadsheets compute cells that begin like a formula; an apostrophe before them makes them text.
pub fn text(text: &str) -> String {
    let text = harmless::text(text);
    let formula = text.starts_with(['=', '+', '-', '@', '\t']);
    quoted(&if formula { format!("'{text}") } else { text })
}

/// A cell with a number; empty where there is none.
pub fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A row of cells.
pub fn row(cells: &[String]) -> String {
    format!("{}\n", cells.join(","))
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_nothing_in_them_runs() {
        assert_eq!(text("a"), "a");
        assert_eq!(text("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(text("two\nlines"), "\"two\nlines\"");
        assert_eq!(text("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(text("\u{1b}[2J"), "␛[2J");
        assert_eq!(row(&[number(Some(-0.5)), number(Some(f64::NAN)), number(None)]), "-0.5,NaN,\n");
    }
}
