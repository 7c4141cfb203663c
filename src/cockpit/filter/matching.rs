//! What a filter finds.

use super::{Comparison, Fact, Filter, NumberField, TextField};
use crate::run::event::{Candidate, GroupScored};

/// How a question went compared with the last time that it was asked: a question is solved where at least half of its candidates are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flip {
    /// It was solved, and is not any more.
    Lost,
    /// It is solved, and was not.
    Gained,
    /// Neither.
    None,
}

impl Flip {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lost, Self::Gained, Self::None];

    /// From the shares of right candidates then and now; `None` where it was not asked before.
    pub fn of(before: Option<f64>, now: f64) -> Self {
        let solved = |share: f64| share >= 0.5;
        match before {
            Some(before) if solved(before) && !solved(now) => Self::Lost,
            Some(before) if !solved(before) && solved(now) => Self::Gained,
            _ => Self::None,
        }
    }

    /// Its name in filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Gained => "gained",
            Self::None => "none",
        }
    }
}

/// A group, with what a filter can ask of it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The group.
    pub group: &'a GroupScored,
    /// How it went compared with before.
    pub flip: Flip,
    accuracy: f64,
    mean: f64,
    spread: f64,
}

impl<'a> Subject<'a> {
    /// A group, and how it went compared with before.
    pub fn new(group: &'a GroupScored, flip: Flip) -> Self {
        let (accuracy, mean, spread) = summary(group);
        Self { group, flip, accuracy, mean, spread }
    }

    /// The candidates that a filter finds, by their numbers from 0.
    pub fn found<'s>(&'s self, filter: &'s Filter) -> impl Iterator<Item = usize> + 's {
        let candidates = self.group.candidates.iter().enumerate();
        candidates.filter(|(_, candidate)| filter.holds(self, candidate)).map(|(at, _)| at)
    }
}

/// Share of right candidates, mean and standard deviation of the rewards.
pub fn summary(group: &GroupScored) -> (f64, f64, f64) {
    let count = group.candidates.len().max(1) as f64;
    let mean = group.candidates.iter().map(|c| c.reward).sum::<f64>() / count;
    let spread = (group.candidates.iter().map(|c| (c.reward - mean).powi(2)).sum::<f64>() / count).sqrt();
    let right = group.candidates.iter().filter(|c| c.correct).count();
    (right as f64 / count, mean, spread)
}

/// Below this spread all rewards are the same but for rounding.
pub const DEAD: f64 = 1e-6;

impl Filter {
    /// Whether it holds for a candidate.
    fn holds(&self, of: &Subject<'_>, candidate: &Candidate) -> bool {
        let group = of.group;
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(of, candidate)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(of, candidate)),
            Self::Not(part) => !part.holds(of, candidate),
            Self::Word(text) => is_in(text, &anywhere(group, candidate)),
            Self::Text(field, whole, text) => {
                let texts = match field {
                    TextField::Db => vec![group.db_id.as_str()],
                    TextField::Outcome => vec![candidate.result.outcome.as_str()],
                    TextField::Question => vec![group.question.as_str()],
                    TextField::Sql => vec![candidate.sql.as_str()],
                    TextField::Gold => vec![group.gold_sql.as_str()],
                    TextField::Reply => vec![candidate.text.as_str()],
                    TextField::Anywhere => anywhere(group, candidate).to_vec(),
                };
                if *whole {
                    texts.iter().any(|one| one.to_lowercase() == text.to_lowercase())
                } else {
                    is_in(text, &texts)
                }
            }
            Self::Number(field, comparison, value) => {
                number(field, of, candidate).is_some_and(|found| compare(*comparison, found, *value))
            }
            Self::Is(Fact::Correct, is) => candidate.correct == *is,
            Self::Is(Fact::Finished, is) => candidate.finished == *is,
            Self::Is(Fact::Dead, is) => (of.spread < DEAD) == *is,
            Self::Flip(flip) => of.flip == *flip,
        }
    }
}

fn anywhere<'a>(group: &'a GroupScored, candidate: &'a Candidate) -> [&'a str; 4] {
    [&group.question, &candidate.sql, &candidate.text, &group.gold_sql]
}

fn is_in(text: &str, texts: &[&str]) -> bool {
    let text = text.to_lowercase();
    texts.iter().any(|one| one.to_lowercase().contains(&text))
}

fn number(field: &NumberField, of: &Subject<'_>, candidate: &Candidate) -> Option<f64> {
    Some(match field {
        NumberField::Reward => candidate.reward,
        NumberField::Advantage => candidate.advantage,
        NumberField::Tokens => candidate.tokens as f64,
        NumberField::Step => of.group.step as f64,
        NumberField::Id => of.group.question_id as f64,
        NumberField::Accuracy => of.accuracy,
        NumberField::Mean => of.mean,
        NumberField::Spread => of.spread,
        NumberField::Rows => candidate.result.total_rows as f64,
        NumberField::Millis => candidate.result.millis,
        NumberField::Part(name) => return candidate.components.get(*name).copied(),
    })
}

/// Numbers are compared as they are shown: to within rounding.
fn compare(comparison: Comparison, found: f64, value: f64) -> bool {
    let same = (found - value).abs() < 1e-9;
    match comparison {
        Comparison::Less => found < value && !same,
        Comparison::AtMost => found < value || same,
        Comparison::Equal => same,
        Comparison::Unequal => !same,
        Comparison::AtLeast => found > value || same,
        Comparison::More => found > value && !same,
    }
}
