//! SQL with its keywords, strings and numbers marked.

use ratatui::text::Span;

use crate::cockpit::theme::Theme;

const KEYWORDS: [&str; 46] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "BY",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "OUTER",
    "CROSS",
    "NATURAL",
    "ON",
    "AS",
    "AND",
    "OR",
    "NOT",
    "IN",
    "EXISTS",
    "BETWEEN",
    "LIKE",
    "IS",
    "NULL",
    "UNION",
    "ALL",
    "INTERSECT",
    "EXCEPT",
    "DISTINCT",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "ASC",
    "DESC",
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "CAST",
    "WITH",
];

/// A line of SQL as spans. `quoted` says whether the line starts inside a string, and is set for the next line.
pub fn spans(line: &str, theme: &Theme, quoted: &mut bool) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let in_string = *quoted || first == '\'';
        let length = if in_string {
            string_length(rest, quoted)
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            rest.find(|c| is_word(c) || c == '\'').unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at(length);
        let style = match first {
            _ if in_string => theme.string(),
            c if c.is_ascii_digit() => theme.number(),
            _ if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(token)) => theme.keyword(),
            _ => theme.text(),
        };
        spans.push(Span::styled(token.to_owned(), style));
        rest = after;
    }
    spans
}

/// How far the string reaches: behind its closing quote, or to the end of the line.
fn string_length(text: &str, quoted: &mut bool) -> usize {
    let opening = usize::from(!*quoted);
    let close = text[opening..].find('\'');
    *quoted = close.is_none();
    close.map_or(text.len(), |at| opening + at + 1)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cockpit::theme::{ColorDepth, ThemeFile};

    #[test]
    fn every_part_has_its_style_and_nothing_is_lost() {
        let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
        let mut quoted = false;
        let line = "select name, 12 FROM t WHERE x = 'it''s";
        let spans = spans(line, &theme, &mut quoted);
        let of = |text: &str| spans.iter().find(|s| s.content == text).unwrap().style;
        assert_eq!(of("select"), theme.keyword());
        assert_eq!(of("12"), theme.number());
        assert_eq!(of("name"), theme.text());
        assert_eq!(of("'it'"), theme.string());
        assert!(quoted);
        assert_eq!(spans.iter().map(|s| s.content.as_ref()).collect::<String>(), line);
        assert_eq!(super::spans("more' AND", &theme, &mut quoted)[0].style, theme.string());
        assert!(!quoted);
    }
}
