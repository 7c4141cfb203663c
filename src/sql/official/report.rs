//! Verdicts added up: by hardness, as a table for people and as an object for programs.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Serialize;

use super::{Hardness, Verdict};

/// Sums over some verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Verdicts.
    pub n: usize,
    /// Execution matches.
    pub exec: usize,
    /// Exact matches.
    pub exact: usize,
    /// Execution matches of the predictions as they were written.
    pub exec_clean: usize,
    /// Exact matches of the predictions as they were written.
    pub exact_clean: usize,
}

impl Tally {
    fn add(&mut self, verdict: &Verdict) {
        self.n += 1;
        self.exec += usize::from(verdict.official.exec);
        self.exact += usize::from(verdict.official.exact);
        self.exec_clean += usize::from(verdict.clean.exec);
        self.exact_clean += usize::from(verdict.clean.exact);
    }

    fn share(&self, count: usize) -> f64 {
        if self.n == 0 { 0.0 } else { count as f64 / self.n as f64 }
    }

    fn rates(&self) -> Rates {
        Rates {
            n: self.n,
            execution_accuracy: self.share(self.exec),
            exact_match: self.share(self.exact),
            execution_accuracy_clean: self.share(self.exec_clean),
            exact_match_clean: self.share(self.exact_clean),
        }
    }
}

/// A tally as shares of all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Verdicts.
    pub n: usize,
    /// Share of execution matches.
    pub execution_accuracy: f64,
    /// Share of exact matches.
    pub exact_match: f64,
    /// Share of execution matches without the official `value` substitution.
    pub execution_accuracy_clean: f64,
    /// Share of exact matches without the official `value` substitution.
    pub exact_match_clean: f64,
}

/// Totals of an evaluation. Its `Display` is the official table: counts and shares by hardness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Over all verdicts.
    pub all: Tally,
    /// By hardness; questions whose gold query the official parser does not understand are in none.
    pub by_hardness: BTreeMap<Hardness, Tally>,
    /// How many predictions had which outcome.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Questions whose gold query failed: the official evaluator ends there, here they count as wrong.
    pub gold_problems: usize,
}

impl Totals {
    /// Adds one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        self.all.add(verdict);
        if let Some(hardness) = verdict.hardness {
            self.by_hardness.entry(hardness).or_default().add(verdict);
        }
        *self.outcomes.entry(verdict.outcome).or_default() += 1;
        self.gold_problems += usize::from(verdict.gold_problem.is_some());
    }

    /// The totals for programs.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            metric: "spider",
            rates: self.all.rates(),
            hardness: self.by_hardness.iter().map(|(hardness, tally)| (*hardness, tally.rates())).collect(),
            outcomes: &self.outcomes,
            gold_problems: self.gold_problems,
        }
    }
}

/// [`Totals`] for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Summary<'t> {
    metric: &'static str,
    #[serde(flatten)]
    rates: Rates,
    hardness: BTreeMap<Hardness, Rates>,
    outcomes: &'t BTreeMap<&'static str, usize>,
    gold_problems: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<(String, Tally)> = Hardness::ALL
            .iter()
            .map(|level| (level.to_string(), self.by_hardness.get(level).copied().unwrap_or_default()))
            .chain([("all".to_owned(), self.all)])
            .collect();
        let mut line = |title: &str, cell: &dyn Fn(&(String, Tally)) -> String| -> fmt::Result {
            let mut text = format!("{title:<22}");
            for column in &columns {
                write!(text, "{:>8}", cell(column))?;
            }
            writeln!(f, "{text}")
        };
        let rate = |count: fn(&Tally) -> usize| move |(_, t): &(String, Tally)| format!("{:.3}", t.share(count(t)));
        line("", &|(name, _)| name.clone())?;
        line("count", &|(_, tally)| tally.n.to_string())?;
        line("execution", &rate(|t| t.exec))?;
        line("exact match", &rate(|t| t.exact))?;
        line("execution, as written", &rate(|t| t.exec_clean))?;
        line("exact, as written", &rate(|t| t.exact_clean))?;
        let outcomes: Vec<String> = self.outcomes.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "outcomes: {}", outcomes.join(", "))?;
        writeln!(f, "As written: without the official replacement of `value` by `1` in predictions.")?;
        if self.gold_problems > 0 {
            writeln!(f, "{} gold queries failed; their questions count as wrong.", self.gold_problems)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
