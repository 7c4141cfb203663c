//! Conditions on a column, in SQL and in words.

use super::{
    random::Draw,
    schema::{Column, Fill},
};
use crate::sql::Value;

/// A condition on a column; values are as they stand in both the query and the question, but for quotes.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The column.
    pub column: &'static Column,
    /// The test.
    pub test: Test,
}

/// A test of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// `=`
    Equal(String),
    /// `!=`
    Not(String),
    /// `>`
    More(String),
    /// `<`
    Less(String),
    /// `>=`
    AtLeast(String),
    /// `<=`
    AtMost(String),
    /// `BETWEEN … AND …`
    Between(String, String),
    /// `LIKE '%…%'`
    Contains(String),
    /// `LIKE '…%'`
    Starts(String),
    /// `LIKE '%…'`
    Ends(String),
}

impl Condition {
    /// Some condition, with values among the column's cells.
    pub fn any(column: &'static Column, cells: &[&Value], draw: &mut Draw) -> Option<Self> {
        let cell = plain(draw.pick(cells)?);
        let test = match (column.fill, draw.below(10)) {
            (Fill::Pick(_), 8..) => Test::Not(cell),
            (Fill::Date(..), 0..5) | (Fill::Whole(..) | Fill::Year(..) | Fill::Half(..), 0..4) => Test::More(cell),
            (Fill::Date(..), 5..9) | (Fill::Whole(..) | Fill::Year(..) | Fill::Half(..), 4..7) => Test::Less(cell),
            (Fill::Whole(..) | Fill::Half(..), 7) => Test::AtLeast(cell),
            (Fill::Whole(..) | Fill::Half(..), 8) => Test::AtMost(cell),
            _ => Test::Equal(cell),
        };
        Some(Self { column, test })
    }

    /// The column is one of its cells.
    pub fn equal(column: &'static Column, cells: &[&Value], draw: &mut Draw) -> Option<Self> {
        Some(Self { column, test: Test::Equal(plain(draw.pick(cells)?)) })
    }

    /// The number lies between two of the cells.
    pub fn between(column: &'static Column, cells: &[&Value], draw: &mut Draw) -> Option<Self> {
        let (low, high) = two_apart(cells, draw)?;
        Some(Self { column, test: Test::Between(low, high) })
    }

    /// The number is below one cell; it is above another. No number is both.
    pub fn below_and_above(column: &'static Column, cells: &[&Value], draw: &mut Draw) -> Option<[Self; 2]> {
        let (low, high) = two_apart(cells, draw)?;
        Some([Self { column, test: Test::Less(low) }, Self { column, test: Test::More(high) }])
    }

    /// The name has a part of one of the cells in it.
    pub fn like(column: &'static Column, cells: &[&Value], draw: &mut Draw) -> Option<Self> {
        let cell = plain(draw.pick(cells)?);
        let letters: Vec<char> = cell.chars().filter(char::is_ascii_alphabetic).collect();
        let test = match draw.below(3) {
            0 => Test::Starts(letters.iter().take(1).collect()),
            1 => Test::Ends(letters.last()?.to_string()),
            _ => {
                let words: Vec<&str> = cell.split(' ').filter(|word| word.len() > 2).collect();
                let word = draw.pick(&words)?;
                Test::Contains(word.get(..2 + draw.below(2))?.to_lowercase())
            }
        };
        Some(Self { column, test })
    }

    /// The condition in SQL; `name` is the column's name there.
    pub fn sql(&self, name: &str) -> String {
        match &self.test {
            Test::Equal(value) => format!("{name} = {}", self.literal(value)),
            Test::Not(value) => format!("{name} != {}", self.literal(value)),
            Test::More(value) => format!("{name} > {}", self.literal(value)),
            Test::Less(value) => format!("{name} < {}", self.literal(value)),
            Test::AtLeast(value) => format!("{name} >= {}", self.literal(value)),
            Test::AtMost(value) => format!("{name} <= {}", self.literal(value)),
            Test::Between(low, high) => format!("{name} BETWEEN {} AND {}", self.literal(low), self.literal(high)),
            Test::Contains(part) => format!("{name} LIKE '%{part}%'"),
            Test::Starts(part) => format!("{name} LIKE '{part}%'"),
            Test::Ends(part) => format!("{name} LIKE '%{part}'"),
        }
    }

    fn literal(&self, value: &str) -> String {
        if self.column.is_number() { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
    }
}

/// A value as people write it: without the zero of a whole number that is stored as a float.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Real(number) => number.to_string(),
        other => other.display(),
    }
}

/// Two numbers out of the lower and the upper half of the cells.
fn two_apart(cells: &[&Value], draw: &mut Draw) -> Option<(String, String)> {
    let number = |value: &Value| match value {
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        _ => f64::NAN,
    };
    let mut sorted = cells.to_vec();
    sorted.sort_by(|a, b| number(a).total_cmp(&number(b)));
    let (lower, upper) = sorted.split_at(sorted.len() / 2);
    let (low, high) = (draw.pick(lower)?, draw.pick(upper)?);
    (number(low) < number(high)).then(|| (plain(low), plain(high)))
}
