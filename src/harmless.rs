//! Text from outside made harmless: whatever a terminal would obey becomes something that it can show.
//!
//! Questions, cells, model output, log lines and file names may hold anything, escape sequences included. All that is drawn goes through
//! [`Cleaner`], all that is printed through [`Harmless`].

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

/// Replaces what a terminal would obey by what it can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaner {
    /// Also replaces everything beyond ASCII.
    pub ascii: bool,
}

/// For what is printed.
const PRINTED: Cleaner = Cleaner { ascii: false };

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
        c.is_ascii_graphic() || c == ' ' || (!self.ascii && !is_obeyed(c))
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

/// Whether a terminal does something other than show this character: controls, C1 ones included, and characters that take no room but
/// change what is around them (direction overrides, separators, joiners, tags).
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text of several lines, for a terminal or a file that may be shown on one.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' { out.push(c) } else { PRINTED.push(&mut out, c) }
    }
    out
}

/// JSON with the same values, in which what a terminal would obey stands as `\u…`.
pub fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Between values there are no controls but white space, so any other stands within a string.
        if is_obeyed(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A writer through which only harmless text goes.
pub struct Harmless<W: Write> {
    inner: W,
    clean: fn(&str) -> String,
    /// Bytes of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// For text.
    pub fn text(inner: W) -> Self {
        Self { inner, clean: text, begun: Vec::new() }
    }

    /// For JSON, whose values stay what they are.
    pub fn json(inner: W) -> Self {
        Self { inner, clean: json, begun: Vec::new() }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.begun.len(),
        };
        let rest = self.begun.split_off(whole);
        let whole = std::mem::replace(&mut self.begun, rest);
        self.inner.write_all((self.clean)(&String::from_utf8_lossy(&whole)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
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
    fn clipboard_links_titles_and_overrides_are_disarmed() {
        for nasty in [
            "\u{1b}]52;c;cm0gLXJmIC8=\u{7}",
            "\u{1b}]8;;http://x\u{1b}\\y",
            "\u{9d}0;t\u{9c}",
            "a\u{200b}b\u{2066}c",
            "\r#",
        ] {
            assert!(!text(nasty).chars().any(is_obeyed), "{nasty:?}");
        }
        assert_eq!(text("two\nlines\r\n"), "two\nlines␍\n");
    }

    #[test]
    fn sql_is_shown_in_one_line() {
        assert_eq!(UNICODE.flat("SELECT *\n\tFROM  t"), "SELECT * FROM t");
    }

    #[test]
    fn characters_may_come_in_parts_and_bytes_that_are_none_are_told() {
        let mut out = Vec::new();
        let mut writer = Harmless::text(&mut out);
        for byte in "東\u{9b}é\n".as_bytes() {
            writer.write_all(&[*byte]).unwrap();
        }
        writer.write_all(b"\xff\x1b").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "東\u{fffd}é\n\u{fffd}␛");
    }

    proptest! {
        #[test]
        fn cleaned_text_has_nothing_to_obey(text in any::<String>()) {
            prop_assert!(!UNICODE.line(&text).chars().any(is_obeyed));
            prop_assert!(ASCII.line(&text).chars().all(|c| c == ' ' || c.is_ascii_graphic()));
        }

        #[test]
        fn json_keeps_its_values(values in prop::collection::vec(any::<String>(), 0..4), tag in "[\u{80}-\u{9f}\u{e0001}\u{202e}]{0,3}") {
            let value = serde_json::json!({"values": values, "tag": tag});
            let mut out = Vec::new();
            Harmless::json(&mut out).write_all(serde_json::to_string_pretty(&value).unwrap().as_bytes()).unwrap();
            let printed = String::from_utf8(out).unwrap();
            prop_assert!(!printed.chars().any(|c| is_obeyed(c) && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
        }
    }
}
