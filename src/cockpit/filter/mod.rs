//! The language in which a person says which questions to show: `reward<0.5 outcome:syntax db:world_1 -finished:no`.
//!
//! What is asked is asked of a candidate and its group; a group is found if any of its candidates is. Words stand for text in question
//! or SQL; `:` asks whether something is in it, `=` whether it is all of it, letter case aside. All that is said has to hold; `|` or `OR`
//! between two is either, `-`, `!` or `NOT` before one is its opposite, and parentheses hold things together.

mod lexer;
mod matching;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use matching::{DEAD, Flip, Subject, summary};
pub use parse::FilterError;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these; without any, everything.
    All(Vec<Filter>),
    /// One of these or more.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A word anywhere in question, SQL, reply or gold query.
    Word(String),
    /// A text of a field.
    Text(TextField, bool, String),
    /// A number of a field.
    Number(NumberField, Comparison, f64),
    /// Whether something is so.
    Is(Fact, bool),
    /// What changed since the question was asked before.
    Flip(Flip),
}

/// Texts that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Names in [`TEXTS`].
pub enum TextField {
    Db,
    Outcome,
    Question,
    Sql,
    Gold,
    Reply,
    Anywhere,
}

/// Numbers that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // Names in [`NUMBERS`].
pub enum NumberField {
    Reward,
    Advantage,
    Tokens,
    Step,
    Id,
    Accuracy,
    Mean,
    Spread,
    Rows,
    Millis,
    /// A component of the reward.
    Part(&'static str),
}

/// Things that are so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Names in [`FACTS`].
pub enum Fact {
    Correct,
    Finished,
    Dead,
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Signs in [`Comparison::sign`].
pub enum Comparison {
    Less,
    AtMost,
    Equal,
    Unequal,
    AtLeast,
    More,
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }
}

/// Names of the texts.
pub const TEXTS: [(&str, TextField); 7] = [
    ("db", TextField::Db),
    ("outcome", TextField::Outcome),
    ("question", TextField::Question),
    ("sql", TextField::Sql),
    ("gold", TextField::Gold),
    ("reply", TextField::Reply),
    ("text", TextField::Anywhere),
];

/// Names of the numbers, but for the components of the reward.
pub const NUMBERS: [(&str, NumberField); 10] = [
    ("reward", NumberField::Reward),
    ("advantage", NumberField::Advantage),
    ("tokens", NumberField::Tokens),
    ("step", NumberField::Step),
    ("id", NumberField::Id),
    ("accuracy", NumberField::Accuracy),
    ("mean", NumberField::Mean),
    ("spread", NumberField::Spread),
    ("rows", NumberField::Rows),
    ("ms", NumberField::Millis),
];

/// Names of what is so or not.
pub const FACTS: [(&str, Fact); 3] = [("correct", Fact::Correct), ("finished", Fact::Finished), ("dead", Fact::Dead)];

/// The name of the field for what changed.
pub const FLIP: &str = "flip";

fn name_of<T: PartialEq>(names: &[(&'static str, T)], field: &T) -> &'static str {
    names.iter().find(|(_, of)| of == field).map_or("", |(name, _)| name)
}

impl Filter {
    /// Whether everything is found.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// What has to be in parentheses where it is a part of something.
    fn is_compound(&self) -> bool {
        matches!(self, Self::All(_) | Self::Any(_))
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, part: &Self, bare: bool| {
            if part.is_compound() && !bare { write!(f, "({part})") } else { write!(f, "{part}") }
        };
        match self {
            Self::All(parts) => parts.iter().enumerate().try_for_each(|(at, one)| {
                f.write_str(if at > 0 { " " } else { "" })?;
                part(f, one, false)
            }),
            Self::Any(parts) => parts.iter().enumerate().try_for_each(|(at, one)| {
                f.write_str(if at > 0 { " | " } else { "" })?;
                part(f, one, matches!(one, Self::All(_)))
            }),
            Self::Not(negated) => {
                f.write_str("-")?;
                part(f, negated, false)
            }
            Self::Word(text) => f.write_str(&lexer::written(text, true)),
            Self::Text(field, whole, text) => {
                let sign = if *whole { "=" } else { ":" };
                write!(f, "{}{sign}{}", name_of(&TEXTS, field), lexer::written(text, false))
            }
            Self::Number(NumberField::Part(name), comparison, value) => write!(f, "{name}{}{value}", comparison.sign()),
            Self::Number(field, comparison, value) => {
                write!(f, "{}{}{value}", name_of(&NUMBERS, field), comparison.sign())
            }
            Self::Is(fact, is) => write!(f, "{}:{}", name_of(&FACTS, fact), if *is { "yes" } else { "no" }),
            Self::Flip(flip) => write!(f, "{FLIP}:{}", flip.name()),
        }
    }
}
