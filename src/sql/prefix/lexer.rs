//! A query byte by byte: from bytes to words, values and symbols.

use super::{
    names::{Rules, Wanted},
    parser::Parser,
};

/// White space in a row: enough for any indentation, and an end for a model that writes nothing else.
const MOST_BLANKS: u8 = 48;
/// Bytes of a name.
const LONGEST_NAME: usize = 64;

/// A piece that may go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Piece {
    /// White space, so many bytes of it.
    Blank(u8),
    /// A word, in lower case.
    Word(Vec<u8>),
    /// A number; whether it has its point.
    Number(bool),
    /// What stands in quotes: the closing quote, and the text; of text that may be anything, only a character that is not whole yet.
    Quoted { close: u8, text: Vec<u8>, free: bool },
    /// The same with a closing quote, which may be the first of two.
    Closed { close: u8, text: Vec<u8>, free: bool },
    /// The first character of an operator that may have two.
    Symbol(u8),
}

/// The beginning of a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Query {
    piece: Piece,
    parser: Parser,
}

impl Query {
    pub fn new() -> Self {
        Self { piece: Piece::Blank(0), parser: Parser::new() }
    }

    /// Reads a byte; whether the text can still become a query. Where it cannot, `self` is of no use any more.
    pub fn push(&mut self, byte: u8, rules: &Rules) -> bool {
        match &mut self.piece {
            Piece::Word(text) if is_word(byte) => {
                text.push(byte.to_ascii_lowercase());
                text.len() <= LONGEST_NAME && begins_utf8(text) && self.parser.may_become_word(text, rules)
            }
            Piece::Number(point) if byte == b'.' && !*point => {
                *point = true;
                true
            }
            Piece::Number(_) if byte.is_ascii_digit() => true,
            Piece::Number(_) if is_word(byte) || byte == b'.' => false,
            Piece::Quoted { .. } => self.quote(byte, rules),
            Piece::Closed { close, text, free } if byte == *close && byte != b']' => {
                text.push(byte);
                self.piece =
                    Piece::Quoted { close: byte, text: if *free { vec![] } else { text.clone() }, free: *free };
                self.fits_quoted(rules)
            }
            // Two of them begin a comment.
            Piece::Symbol(b'-') if byte == b'-' => false,
            Piece::Symbol(first) if is_operator(*first, byte) => {
                self.piece = Piece::Blank(0);
                self.parser.operator(rules)
            }
            _ => self.finish(rules) && self.begin(byte, rules),
        }
    }

    /// Whether the text could end here.
    pub fn is_complete(&self, rules: &Rules) -> bool {
        let mut ended = self.clone();
        !matches!(self.piece, Piece::Quoted { .. } | Piece::Symbol(_))
            && ended.finish(rules)
            && ended.parser.is_complete(rules)
    }

    /// Whether the text is complete but for a `<` at its end.
    pub fn is_complete_before_less(&self, rules: &Rules) -> bool {
        self.piece == Piece::Symbol(b'<') && self.parser.is_complete(rules)
    }

    /// Whether the text is within quotes, so that no character ends it.
    pub fn is_quoting(&self) -> bool {
        matches!(self.piece, Piece::Quoted { .. })
    }

    /// Ends the piece.
    fn finish(&mut self, rules: &Rules) -> bool {
        match std::mem::replace(&mut self.piece, Piece::Blank(0)) {
            Piece::Blank(count) => {
                self.piece = Piece::Blank(count);
                true
            }
            Piece::Word(text) => std::str::from_utf8(&text).is_ok() && self.parser.word(&text, rules),
            Piece::Number(_) => self.parser.value(true, rules),
            // Double quotes are for names, but hold a text where no name is meant: so SQLite takes them.
            Piece::Closed { close: b'\'' | b'"', .. } if self.parser.may_be_value(false) => {
                self.parser.value(false, rules)
            }
            Piece::Closed { text, .. } => self.parser.name(&text, rules),
            Piece::Quoted { .. } => false,
            Piece::Symbol(b'-') => self.symbol(b'-', rules),
            Piece::Symbol(symbol) => symbol != b'!' && symbol != b'|' && self.parser.operator(rules),
        }
    }

    fn begin(&mut self, byte: u8, rules: &Rules) -> bool {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                let Piece::Blank(count) = self.piece else { return false };
                self.piece = Piece::Blank(count + 1);
                count < MOST_BLANKS
            }
            b'0'..=b'9' => {
                self.piece = Piece::Number(false);
                self.parser.may_be_value(true)
            }
            b'\'' | b'"' | b'`' | b'[' => {
                let close = if byte == b'[' { b']' } else { byte };
                let text = matches!(byte, b'\'' | b'"') && self.parser.may_be_value(false);
                self.piece = Piece::Quoted { close, text: Vec::new(), free: text || rules.names.is_none() };
                text || (byte != b'\'' && self.fits_quoted(rules))
            }
            b'<' | b'>' | b'=' | b'!' | b'|' => {
                self.piece = Piece::Symbol(byte);
                self.parser.may_be_operator()
            }
            b'-' => {
                self.piece = Piece::Symbol(byte);
                self.parser.symbol(byte, rules).is_some()
            }
            _ if is_word(byte) => {
                let text = vec![byte.to_ascii_lowercase()];
                let fits = begins_utf8(&text) && self.parser.may_become_word(&text, rules);
                self.piece = Piece::Word(text);
                fits
            }
            _ => {
                self.piece = Piece::Blank(0);
                self.symbol(byte, rules)
            }
        }
    }

    fn symbol(&mut self, symbol: u8, rules: &Rules) -> bool {
        self.parser.symbol(symbol, rules).is_some_and(|step| self.parser.go(step, rules))
    }

    /// Reads a byte within quotes. A line break there is refused: it would only come of quotes that were never meant.
    fn quote(&mut self, byte: u8, rules: &Rules) -> bool {
        let Piece::Quoted { close, text, free } = &mut self.piece else { return false };
        if byte == *close {
            let whole = std::str::from_utf8(text).is_ok();
            self.piece = Piece::Closed { close: byte, text: std::mem::take(text), free: *free };
            return whole && self.closes_well(rules);
        }
        text.push(byte.to_ascii_lowercase());
        let good = byte != b'\n' && begins_utf8(text) && (*free || text.len() <= LONGEST_NAME);
        if *free && std::str::from_utf8(text).is_ok() {
            text.clear();
        }
        good && self.fits_quoted(rules)
    }

    /// Whether the quoted text so far may be the beginning of what may stand here.
    fn fits_quoted(&self, rules: &Rules) -> bool {
        let Piece::Quoted { close, text, .. } = &self.piece else { return false };
        let value = matches!(close, b'\'' | b'"') && self.parser.may_be_value(false);
        value || self.parser.may_be_name(Wanted { text, whole: false }, rules)
    }

    /// Whether the quoted text may end, or go on behind two closing quotes.
    fn closes_well(&self, rules: &Rules) -> bool {
        let mut ended = self.clone();
        ended.finish(rules)
    }
}

/// Letters, digits, `_`, `$` and everything beyond ASCII, as in SQLite.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
}

fn is_operator(first: u8, second: u8) -> bool {
    [*b"<=", *b"<>", *b">=", *b"!=", *b"==", *b"||"].contains(&[first, second])
}

/// Whether these bytes are text, but for a character at the end that is not whole.
fn begins_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}
