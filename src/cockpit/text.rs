//! Text measured, cut and wrapped. What comes from outside is made fit for a screen by [`Cleaner`] first, in every panel.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::harmless::{Cleaner, is_obeyed};

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

/// The longest end of the text that fits.
pub fn last_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[at + c.len_utf8()..];
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
