//! Two models' answers to the same questions: what one gained and lost over the other, and whether that can be chance.

mod read;
mod statistics;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::EvalError;
use crate::harmless::is_obeyed;
use read::{Line, read};

/// Questions that a comparison shows of each kind.
const SHOWN: usize = 20;

/// Two files of answers, compared question by question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The first file.
    pub a: PathBuf,
    /// The second file.
    pub b: PathBuf,
    /// Questions in both files.
    pub n: usize,
    /// Questions in the first file alone, which are left out.
    pub only_a: usize,
    /// Questions in the second file alone, which are left out.
    pub only_b: usize,
    /// Execution matches.
    pub exec: Difference,
    /// Exact matches, where both files have them.
    pub exact: Option<Difference>,
}

/// What the second file has over the first in one mark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The first file's share of right answers.
    pub a: f64,
    /// The second file's.
    pub b: f64,
    /// `b - a`.
    pub difference: f64,
    /// Its 95 % interval by the paired bootstrap: questions are drawn with replacement, both answers to one together.
    pub interval: [f64; 2],
    /// `McNemar`'s exact two-sided p: how probable so uneven a number of gains and losses is if both were equally likely.
    pub mcnemar_p: f64,
    /// Questions that only the second file has right.
    pub gained: Vec<Changed>,
    /// Questions that only the first file has right.
    pub lost: Vec<Changed>,
}

/// A question whose answer was right in one file only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// Index of the question in its file.
    pub index: usize,
    /// Name of the database.
    pub db_id: String,
    /// The question, if the files have it.
    pub question: String,
    /// The gold query, if the files have it.
    pub gold_sql: String,
    /// The first file's query, if it has queries.
    pub a: String,
    /// The second file's query.
    pub b: String,
}

/// Compares two files that `eval --out` or `score --json` wrote.
///
/// # Errors
/// A file cannot be read or is malformed; or the two have no question in common.
pub fn compare(a: &Path, b: &Path) -> Result<Comparison, EvalError> {
    let (first, mut second) = (read(a)?, read(b)?);
    let mut pairs = Vec::new();
    let mut only_a = 0;
    for (key, line) in first {
        match second.remove(&key) {
            Some(other) => pairs.push((line, other)),
            None => only_a += 1,
        }
    }
    if pairs.is_empty() {
        return Err(EvalError::NothingCommon { a: a.to_owned(), b: b.to_owned() });
    }
    let exec = difference(&pairs, |line| line.exec == 1);
    let exact = pairs.iter().all(|(a, b)| a.exact.is_some() && b.exact.is_some());
    let exact = exact.then(|| difference(&pairs, |line| line.exact == Some(1)));
    Ok(Comparison { a: a.to_owned(), b: b.to_owned(), n: pairs.len(), only_a, only_b: second.len(), exec, exact })
}

fn difference(pairs: &[(Line, Line)], right: impl Fn(&Line) -> bool) -> Difference {
    let share = |count: usize| count as f64 / pairs.len() as f64;
    let changes: Vec<i8> = pairs.iter().map(|(a, b)| i8::from(right(b)) - i8::from(right(a))).collect();
    let of = |change: i8| -> Vec<Changed> {
        pairs.iter().zip(&changes).filter(|(_, c)| **c == change).map(|((a, b), _)| Changed::new(a, b)).collect()
    };
    let (gained, lost) = (of(1), of(-1));
    Difference {
        a: share(pairs.iter().filter(|(a, _)| right(a)).count()),
        b: share(pairs.iter().filter(|(_, b)| right(b)).count()),
        difference: (gained.len() as f64 - lost.len() as f64) / pairs.len() as f64,
        interval: statistics::bootstrap(&changes),
        mcnemar_p: statistics::mcnemar(gained.len(), lost.len()),
        gained,
        lost,
    }
}

impl Changed {
    fn new(a: &Line, b: &Line) -> Self {
        Self {
            index: a.index,
            db_id: a.db_id.clone(),
            question: a.question.clone(),
            gold_sql: a.gold_sql.clone(),
            a: a.sql.clone(),
            b: b.sql.clone(),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "A {}\nB {}\n{} questions in both", self.a.display(), self.b.display(), self.n)?;
        if self.only_a + self.only_b > 0 {
            writeln!(f, "left out: {} questions of A alone, {} of B alone", self.only_a, self.only_b)?;
        }
        line(f, "execution", &self.exec)?;
        self.exact.iter().try_for_each(|exact| line(f, "exact match", exact))?;
        list(f, "gained (right in B alone, by execution)", &self.exec.gained)?;
        list(f, "lost (right in A alone, by execution)", &self.exec.lost)
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, d: &Difference) -> fmt::Result {
    let [a, b, difference, low, high] = [d.a, d.b, d.difference, d.interval[0], d.interval[1]].map(|x| x * 100.0);
    writeln!(
        f,
        "{name}: A {a:.1} %, B {b:.1} %, difference {difference:+.1} points (paired 95 % interval {low:+.1} to {high:+.1}), \
         {} gained, {} lost, McNemar's exact p {:.3}",
        d.gained.len(),
        d.lost.len(),
        d.mcnemar_p
    )
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, changed: &[Changed]) -> fmt::Result {
    if changed.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}: {}", changed.len())?;
    for c in changed.iter().take(SHOWN) {
        writeln!(f, "  {} {}: {}", c.index, c.db_id, shown(&c.question))?;
        for (name, sql) in [("gold", &c.gold_sql), ("A", &c.a), ("B", &c.b)] {
            if !sql.is_empty() {
                writeln!(f, "    {name:<4} {}", shown(sql))?;
            }
        }
    }
    match changed.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more; --json has them all"),
    }
}

/// Text from a file, fit for a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
