//! Text from outside made fit for a screen: cleaned, measured, cut, wrapped.
//!
//! Questions, cells, model output and log lines may hold anything, escape sequences included. Nothing of that may reach a
//! terminal, so every panel passes such text through [`Cleaner`] first.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Replaces what a terminal would obey by what it can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaner {
    /// Also replaces everything beyond ASCII.
    pub ascii: bool,
}

impl Cleaner {
    /// The text in one line: line breaks become a visible mark.
    pub fn line(self, text: &str) -> Cow<'_, str> {
        if text.chars().all(|c| self.is_fine(c)) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            self.push(&mut out, c);
        }
        Cow::Owned(out)
    }

    /// The text in one line, with line breaks and runs of white space as single blanks. For SQL and questions.
    pub fn flat(self, text: &str) -> String {
        let words: Vec<&str> = text.split_whitespace().collect();
        self.line(&words.join(" ")).into_owned()
    }

    /// The text line by line.
    pub fn lines(self, text: &str) -> impl Iterator<Item = Cow<'_, str>> {
        text.lines().map(move |line| self.line(line))
    }

    fn is_fine(self, c: char) -> bool {
        c.is_ascii_graphic() || c == ' ' || (!self.ascii && !c.is_control() && !is_invisible(c))
    }

    fn push(self, out: &mut String, c: char) {
        match c {
            c if self.is_fine(c) => out.push(c),
            '\t' => out.push_str("  "),
            c if self.ascii && c.is_ascii_control() => {
                out.push('^');
                out.push(char::from((c as u8) ^ 0x40));
            }
            '\u{7f}' => out.push('\u{2421}'),
            // Unicode has a visible picture for each of the C0 controls.
            c if c.is_ascii_control() => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('?')),
            _ if self.ascii => out.push('?'),
            _ => out.push('\u{fffd}'),
        }
    }
}

/// Characters that take no room but change what is around them: direction overrides, separators, joiners, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to so many columns, with an ellipsis where something was cut off.
pub fn fit(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(ellipsis));
    let mut out = take_columns(text, room).to_owned();
    if width(ellipsis) <= columns {
        out.push_str(ellipsis);
    }
    out
}

/// The text cut or padded to exactly so many columns.
pub fn pad(text: &str, columns: usize, ellipsis: &str) -> String {
    let mut out = fit(text, columns, ellipsis);
    let missing = columns.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// The longest beginning of the text that fits.
fn take_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The text broken into lines of at most so many columns, at blanks where possible. Never empty.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while width(&line) + width(word) > columns {
            let head = take_columns(word, columns - width(&line).min(columns));
            // A character wider than the whole line still has to go somewhere.
            let head = if head.is_empty() { &word[..word.chars().next().map_or(0, char::len_utf8)] } else { head };
            line.push_str(head);
            word = &word[head.len()..];
            lines.push(std::mem::take(&mut line));
            if word.is_empty() {
                break;
            }
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNICODE: Cleaner = Cleaner { ascii: false };
    const ASCII: Cleaner = Cleaner { ascii: true };

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(UNICODE.line("a\u{1b}[31mred\u{7}\u{9b}2J"), "a␛[31mred␇\u{fffd}2J");
        assert_eq!(ASCII.line("a\u{1b}[31m\u{7f}é"), "a^[[31m^??");
        assert_eq!(UNICODE.line("abc\u{202e}fed\r\n"), "abc\u{fffd}fed␍␊");
        assert!(matches!(UNICODE.line("SELECT 'naïve' — 東京"), Cow::Borrowed(_)));
    }

    #[test]
    fn sql_is_shown_in_one_line() {
        assert_eq!(UNICODE.flat("SELECT *\n\tFROM  t"), "SELECT * FROM t");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(fit("東京都", 5, "…"), "東京…");
        assert_eq!(pad("東京都", 4, "…"), "東… ");
        assert_eq!(fit("abc", 3, "…"), "abc");
        assert_eq!(fit("abc", 0, "…"), "");
    }

    #[test]
    fn wrapping_breaks_at_blanks_and_inside_long_words() {
        assert_eq!(wrap("how many singers", 8), ["how many", "singers"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("東京", 1), ["東", "京"]);
    }

    proptest! {
        #[test]
        fn cleaned_text_has_nothing_to_obey(text in any::<String>()) {
            prop_assert!(!UNICODE.line(&text).chars().any(char::is_control));
            prop_assert!(ASCII.line(&text).chars().all(|c| c == ' ' || c.is_ascii_graphic()));
        }

        #[test]
        fn wrapped_lines_fit_and_lose_no_word(text in "[a-z 東é]{0,60}", columns in 2usize..20) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|l| width(l) <= columns));
            let glued: String = lines.concat().replace(' ', "");
            prop_assert_eq!(glued, text.replace(' ', ""));
        }

        #[test]
        fn fitted_text_fits(text in "[a-z東🎉é ]{0,40}", columns in 0usize..30) {
            prop_assert!(width(&fit(&text, columns, "…")) <= columns);
            prop_assert_eq!(width(&pad(&text, columns, "…")), columns);
        }
    }
}
