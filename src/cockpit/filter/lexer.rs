//! A line as tokens, each with its place.

use super::parse::FilterError;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `|`
    Or,
    /// `-` or `!` before something.
    Not,
    /// Characters without quotes around them; the quoted text that follows them at once, if one does.
    Word(String, Option<String>),
    /// A text in quotes.
    Quoted(String),
}

/// Characters that end a word.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || "()|\"".contains(c)
}

/// The tokens of a line, with the number of the character at which each begins, from 0.
pub fn tokens(line: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let chars: Vec<char> = line.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(&c) = chars.get(at) {
        let start = at;
        at += 1;
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            '|' => Token::Or,
            '-' | '!' => Token::Not,
            '"' => Token::Quoted(quoted(&chars, &mut at, start)?),
            _ => {
                at = start + chars[start..].iter().take_while(|c| !ends_word(**c)).count();
                let word: String = chars[start..at].iter().collect();
                let value = if chars.get(at) == Some(&'"') && word.ends_with([':', '=', '<', '>']) {
                    let opening = at;
                    at += 1;
                    Some(quoted(&chars, &mut at, opening)?)
                } else {
                    None
                };
                Token::Word(word, value)
            }
        };
        tokens.push((start, token));
    }
    Ok(tokens)
}

/// The text up to the closing quote; `at` is behind the opening one, and then behind the closing one.
fn quoted(chars: &[char], at: &mut usize, opening: usize) -> Result<String, FilterError> {
    let mut text = String::new();
    while let Some(&c) = chars.get(*at) {
        *at += 1;
        match c {
            '"' => return Ok(text),
            '\\' if chars.get(*at).is_some_and(|next| "\"\\".contains(*next)) => {
                text.push(chars[*at]);
                *at += 1;
            }
            c => text.push(c),
        }
    }
    Err(FilterError::new(opening, "the closing quote is missing"))
}

/// A text as it is typed: in quotes where it would mean something else without; `alone` where no field stands before it.
pub fn written(text: &str, alone: bool) -> String {
    let keyword = ["or", "and", "not"].iter().any(|word| word.eq_ignore_ascii_case(text));
    let odd = text.is_empty() || text.contains(ends_word) || text.contains('\\');
    let misread = alone && (keyword || text.starts_with(['-', '!']) || text.contains([':', '=', '<', '>', '!']));
    if odd || misread { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) } else { text.to_owned() }
}
