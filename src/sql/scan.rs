//! Cutting SQL text into tokens the way SQLite's own tokenizer does, for work on the text that must respect quotes.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, an unquoted name or a number.
    Word,
    /// Text or a name in `'...'`, `"..."`, `` `...` `` or `[...]`.
    Quoted,
    /// A quote that is never closed, up to the end of the text.
    Unclosed,
    /// `-- ...` or `/* ... */`.
    Comment,
    /// White space.
    Space,
    /// Any other character, one at a time.
    Symbol,
}

/// A piece of SQL text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text, quotes included.
    pub text: &'a str,
    /// Where it starts, in bytes.
    pub start: usize,
}

impl Token<'_> {
    /// Where it ends, in bytes.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this keyword, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Whether it says nothing: white space or a comment.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// The tokens of a text. Together they are the whole text.
pub fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { sql, at: 0 }
}

/// Iterator over the tokens of a text.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.sql[self.at..];
        let (kind, length) = first_token(rest)?;
        let token = Token { kind, text: &rest[..length], start: self.at };
        self.at += length;
        Some(token)
    }
}

fn first_token(rest: &str) -> Option<(Kind, usize)> {
    let first = rest.chars().next()?;
    Some(match first {
        c if c.is_whitespace() => (Kind::Space, run_length(rest, char::is_whitespace)),
        c if is_word(c) => (Kind::Word, run_length(rest, is_word)),
        '\'' | '"' | '`' => quoted(rest, first, true),
        '[' => quoted(rest, ']', false),
        '-' if rest.starts_with("--") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (Kind::Comment, rest[2..].find("*/").map_or(rest.len(), |end| end + 4)),
        c => (Kind::Symbol, c.len_utf8()),
    })
}

/// Letters, digits, `_`, `$` and everything beyond ASCII, as in SQLite.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || (!c.is_ascii() && !c.is_whitespace())
}

fn run_length(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

/// All delimiters are ASCII, so that offsets between them are character boundaries.
fn quoted(rest: &str, close: char, doubled_escapes: bool) -> (Kind, usize) {
    let mut at = 1;
    while let Some(found) = rest[at..].find(close) {
        at += found + 1;
        if doubled_escapes && rest[at..].starts_with(close) {
            at += 1;
        } else {
            return (Kind::Quoted, at);
        }
    }
    (Kind::Unclosed, rest.len())
}

#[cfg(test)]
mod tests;
