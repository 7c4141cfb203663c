//! The part of a reply that is not its query: where may one begin?

use super::lexer::Query;

/// Bytes of the longest tag.
const TAIL: usize = "</answer>".len();

/// What is known of what was written around the query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Prose {
    /// Whether a query may begin at the start of a line, outside of fences and tags.
    bare: bool,
    /// Within `<think>`, `<answer>`, a code fence.
    thinking: bool,
    pub answering: bool,
    pub fenced: bool,
    /// The last bytes in lower case, as many as a tag may have.
    pub tail: Vec<u8>,
    /// Backticks in a row.
    backticks: u8,
    /// Whether the line has something that no query begins behind.
    dirty: bool,
    /// Whether a backtick stands right before the word.
    marked: bool,
    word: Vec<u8>,
}

/// What a byte of prose leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// More prose.
    Prose,
    /// A fence has opened.
    Fence,
    /// The word before this byte was SELECT where a query may begin; whether a backtick stands before it.
    Select { marked: bool },
}

impl Prose {
    /// At the beginning of a reply; whether a query may begin at the start of a line, outside of fences and tags.
    pub fn new(bare: bool) -> Self {
        Self { bare, ..Self::default() }
    }

    /// Reads a byte.
    pub fn push(&mut self, byte: u8) -> Turn {
        let turn = self.word(byte);
        self.remember(byte);
        if byte == b'`' {
            self.backticks = self.backticks.saturating_add(1);
            if self.backticks == 3 {
                self.fenced = !self.fenced;
                return if self.fenced && !self.thinking { Turn::Fence } else { Turn::Prose };
            }
        } else {
            self.backticks = 0;
        }
        turn
    }

    /// The prose goes on behind a query.
    pub fn resume(&mut self) {
        *self = Self { thinking: self.thinking, answering: self.answering, fenced: self.fenced, ..Self::default() };
    }

    fn remember(&mut self, byte: u8) {
        self.tail.push(byte.to_ascii_lowercase());
        if self.tail.len() > TAIL {
            self.tail.remove(0);
        }
        for (tag, begins) in [("think>", true), ("answer>", false)] {
            let ends_with = |start: &str| {
                self.tail.strip_suffix(tag.as_bytes()).is_some_and(|rest| rest.ends_with(start.as_bytes()))
            };
            let (closed, opened) = (ends_with("</"), ends_with("<"));
            if closed || opened {
                *(if begins { &mut self.thinking } else { &mut self.answering }) = opened;
                (self.dirty, self.fenced) = (false, false);
                self.word.clear();
            }
        }
    }

    /// As [`extract_sql`](crate::sql::extract_sql) has it: only such characters may stand before the query on its line, or a colon.
    fn word(&mut self, byte: u8) -> Turn {
        if byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii() {
            self.word.push(byte.to_ascii_lowercase());
            self.word.truncate(TAIL);
            return Turn::Prose;
        }
        let word = std::mem::take(&mut self.word);
        let place = (self.bare || self.answering) && !self.thinking && !self.fenced && !self.dirty;
        if word == b"select" && place {
            return Turn::Select { marked: self.marked };
        }
        self.dirty = match byte {
            b'\n' | b':' => false,
            b' ' | b'\t' | b'\r' | b'`' | b'>' | b'*' | b'-' => self.dirty || !word.is_empty(),
            _ => true,
        };
        self.marked = byte == b'`';
        Turn::Prose
    }
}

/// What follows an opening fence up to the query: its language. `None` where it is none of SQL's.
pub(super) fn query_in_fence(language: &[u8], byte: u8, begin: impl Fn(&[u8]) -> Option<Query>) -> Option<Query> {
    match (language, byte) {
        (b"" | b"sql" | b"sqlite" | b"sqlite3", b' ' | b'\t' | b'\r' | b'\n') => begin(b""),
        (b"select" | b"with", b' ' | b'\t' | b'\r' | b'\n') => begin(language),
        _ => None,
    }
}
