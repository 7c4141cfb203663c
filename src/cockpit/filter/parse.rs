//! Tokens as a filter.

use std::{iter::Peekable, str::FromStr, vec::IntoIter};

use super::{
    Comparison, FACTS, FLIP, Filter, Flip, NUMBERS, NumberField, TEXTS,
    lexer::{Token, tokens},
};
use crate::settings::RewardComponent;

/// A filter that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: {words}", at + 1)]
pub struct FilterError {
    /// The character at which it goes wrong, from 0.
    pub at: usize,
    words: String,
}

impl FilterError {
    pub(super) fn new(at: usize, words: impl Into<String>) -> Self {
        Self { at, words: words.into() }
    }
}

/// Parentheses and negations within each other, at most.
const DEEPEST: usize = 64;

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(line: &str) -> Result<Self, FilterError> {
        let tokens = tokens(line)?;
        let mut parser = Parser { tokens: tokens.into_iter().peekable(), end: line.chars().count(), depth: 0 };
        if parser.tokens.peek().is_none() {
            return Ok(Self::default());
        }
        let filter = parser.any()?;
        match parser.tokens.next() {
            None => Ok(filter),
            Some((at, _)) => Err(FilterError::new(at, "there is no parenthesis to close")),
        }
    }
}

struct Parser {
    tokens: Peekable<IntoIter<(usize, Token)>>,
    /// The character behind the last one.
    end: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.all()?];
        while self.next_is(|token| *token == Token::Or || is_keyword(token, "or")) {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.factor()?];
        while let Some((_, token)) = self.tokens.peek() {
            if matches!(token, Token::Or | Token::Close) || is_keyword(token, "or") {
                break;
            }
            self.next_is(|token| is_keyword(token, "and"));
            parts.push(self.factor()?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn factor(&mut self) -> Result<Filter, FilterError> {
        let Some((at, token)) = self.tokens.next() else {
            return Err(FilterError::new(self.end, "something is missing here"));
        };
        match token {
            Token::Not => self.deeper(at, |parser| Ok(Filter::Not(Box::new(parser.factor()?)))),
            token if is_keyword(&token, "not") => self.deeper(at, |parser| Ok(Filter::Not(Box::new(parser.factor()?)))),
            Token::Open => {
                let inner = self.deeper(at, Self::any)?;
                if self.next_is(|token| *token == Token::Close) {
                    Ok(inner)
                } else {
                    Err(FilterError::new(at, "this parenthesis is not closed"))
                }
            }
            Token::Quoted(text) => Ok(Filter::Word(text)),
            token if is_keyword(&token, "and") || is_keyword(&token, "or") => {
                Err(FilterError::new(at, "something is missing before this"))
            }
            Token::Word(word, value) => test(at, &word, value),
            Token::Or | Token::Close => Err(FilterError::new(at, "something is missing before this")),
        }
    }

    fn deeper(
        &mut self,
        at: usize,
        inner: impl FnOnce(&mut Self) -> Result<Filter, FilterError>,
    ) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(FilterError::new(at, format!("more than {DEEPEST} things within each other")));
        }
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn next_is(&mut self, wanted: impl Fn(&Token) -> bool) -> bool {
        self.tokens.next_if(|(_, token)| wanted(token)).is_some()
    }
}

fn is_keyword(token: &Token, keyword: &str) -> bool {
    matches!(token, Token::Word(word, None) if word.eq_ignore_ascii_case(keyword))
}

fn one_or(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => many(parts.into_iter().chain(last).collect()),
    }
}

/// A word: a text to look for, or a field with what is asked of it.
fn test(at: usize, word: &str, quoted: Option<String>) -> Result<Filter, FilterError> {
    let Some(split) = word.find([':', '=', '<', '>', '!']) else { return Ok(Filter::Word(word.to_owned())) };
    let (field, rest) = word.split_at(split);
    let sign = ["<=", ">=", "!=", "<", ">", "=", ":"].into_iter().find(|sign| rest.starts_with(sign));
    let value_at = at + field.chars().count() + sign.map_or(0, str::len);
    let Some(sign) = sign else { return Err(FilterError::new(value_at, "`!` here means nothing; `!=` is unequal")) };
    let in_quotes = quoted.is_some();
    if in_quotes && rest != sign {
        return Err(FilterError::new(value_at, "quotes hold all that is asked, or nothing of it"));
    }
    let value = quoted.unwrap_or_else(|| rest[sign.len()..].to_owned());
    let name = field.to_ascii_lowercase();
    if value.is_empty() && !in_quotes {
        return Err(FilterError::new(value_at, format!("what is asked of `{name}` is missing")));
    }
    if let Some((_, field)) = TEXTS.iter().find(|(known, _)| *known == name) {
        return match sign {
            ":" => Ok(Filter::Text(*field, false, value)),
            "=" => Ok(Filter::Text(*field, true, value)),
            "!=" => Ok(Filter::Not(Box::new(Filter::Text(*field, true, value)))),
            _ => Err(FilterError::new(value_at, format!("`{name}` is a text: `:` or `=` is wanted"))),
        };
    }
    if let Some(field) = number_field(&name) {
        return number(value_at, field, sign, &value);
    }
    let equal = |wanted: Filter| match sign {
        ":" | "=" => Ok(wanted),
        "!=" => Ok(Filter::Not(Box::new(wanted))),
        _ => Err(FilterError::new(value_at, format!("`{name}` is no number: `:` is wanted"))),
    };
    if let Some((_, fact)) = FACTS.iter().find(|(known, _)| *known == name) {
        return match value.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => equal(Filter::Is(*fact, true)),
            "no" | "false" | "0" => equal(Filter::Is(*fact, false)),
            _ => Err(FilterError::new(value_at, "yes or no is wanted")),
        };
    }
    if name == FLIP {
        let flip = Flip::ALL.into_iter().find(|flip| flip.name().eq_ignore_ascii_case(&value));
        return flip.map_or_else(
            || Err(FilterError::new(value_at, "lost, gained or none is wanted")),
            |f| equal(Filter::Flip(f)),
        );
    }
    Err(FilterError::new(
        at,
        format!("there is no field `{name}`; there are {}; quotes make it a text", fields().join(", ")),
    ))
}

fn number_field(name: &str) -> Option<NumberField> {
    let plain = NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, field)| field.clone());
    let part = || RewardComponent::ALL.iter().map(|component| component.name()).find(|known| *known == name);
    plain.or_else(|| part().map(NumberField::Part))
}

fn number(at: usize, field: NumberField, sign: &str, value: &str) -> Result<Filter, FilterError> {
    let comparison = match sign {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">" => Comparison::More,
        ">=" => Comparison::AtLeast,
        "!=" => Comparison::Unequal,
        _ => Comparison::Equal,
    };
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Filter::Number(field, comparison, number)),
        _ => Err(FilterError::new(at, "a number is wanted")),
    }
}

/// All fields that can be asked for, but for the components of the reward.
pub fn fields() -> Vec<&'static str> {
    let texts = TEXTS.iter().map(|(name, _)| *name);
    let numbers = NUMBERS.iter().map(|(name, _)| *name);
    texts.chain(numbers).chain(FACTS.iter().map(|(name, _)| *name)).chain([FLIP]).collect()
}
