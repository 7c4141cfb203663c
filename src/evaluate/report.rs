//! Answers added up: for people as a table, for programs as an object.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Serialize;

use super::{Answer, Failure};
use crate::{rl::evaluation::wilson, sql::official::Hardness};

/// Examples of each failure that a report shows.
const EXAMPLES: usize = 3;
/// Characters of a reply without query that a report shows.
const BEGINNING: usize = 200;

/// What was evaluated.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct About {
    /// The model's file.
    pub model: String,
    /// The adapter's folder.
    pub adapter: Option<String>,
    /// The data folder.
    pub data: String,
    /// Which questions.
    pub split: String,
    /// How replies were decoded.
    pub decode: String,
    /// Seconds taken, loading aside.
    pub seconds: f64,
}

/// Shares of some answers, with Wilson's 95 % intervals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Score {
    /// Answers.
    pub n: usize,
    /// Share of execution matches by the official rules.
    pub execution_accuracy: f64,
    /// Its interval.
    pub execution_interval: [f64; 2],
    /// Share of exact matches by the official rules; `None` without `tables.json`.
    pub exact_match: Option<f64>,
    /// Its interval.
    pub exact_interval: Option<[f64; 2]>,
    /// Share of execution matches without the official replacement of `value` by `1`.
    pub execution_accuracy_clean: f64,
    /// Share of exact matches without it.
    pub exact_match_clean: Option<f64>,
}

impl Score {
    fn of<'a>(answers: &(impl Iterator<Item = &'a Answer> + Clone)) -> Self {
        let n = answers.clone().count();
        let share = |count: usize| if n == 0 { 0.0 } else { count as f64 / n as f64 };
        let count = |mark: fn(&Answer) -> u8| answers.clone().filter(|answer| mark(answer) == 1).count();
        let exec = count(|a| a.exec);
        let has_exact = n > 0 && answers.clone().all(|a| a.exact.is_some());
        let exact = has_exact.then(|| count(|a| a.exact.unwrap_or_default()));
        Self {
            n,
            execution_accuracy: share(exec),
            execution_interval: wilson(exec, n),
            exact_match: exact.map(share),
            exact_interval: exact.map(|exact| wilson(exact, n)),
            execution_accuracy_clean: share(count(|a| a.exec_clean)),
            exact_match_clean: has_exact.then(|| share(count(|a| a.exact_clean.unwrap_or_default()))),
        }
    }
}

/// What feedback brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Corrections {
    /// Questions in which there was feedback.
    pub questions: usize,
    /// Those of them whose first reply was wrong and whose last one is right, by execution.
    pub corrected: usize,
    /// Those of them whose first reply was right and whose last one is wrong.
    pub spoilt: usize,
    /// Of all questions, those whose first reply has a query that fails, or none.
    pub failed_first: usize,
    /// Of all questions, those whose last reply has.
    pub failed_last: usize,
}

impl Corrections {
    /// `None` if there was no feedback.
    fn of(answers: &[Answer]) -> Option<Self> {
        let changes = |first: u8, last: u8| {
            answers.iter().filter(|a| a.exec == last && a.turns.first().is_some_and(|turn| turn.exec == first)).count()
        };
        let failed = |outcome: &str| outcome != "rows";
        let first = |a: &&Answer| failed(a.turns.first().map_or(&a.outcome, |turn| &turn.outcome));
        let found = Self {
            questions: answers.iter().filter(|a| !a.turns.is_empty()).count(),
            corrected: changes(0, 1),
            spoilt: changes(1, 0),
            failed_first: answers.iter().filter(first).count(),
            failed_last: answers.iter().filter(|a| failed(&a.outcome)).count(),
        };
        (found.questions > 0).then_some(found)
    }

    fn note(self) -> String {
        format!(
            "Feedback in {} questions: {} of them corrected, {} spoilt; {} first and {} last replies have no query that runs.",
            self.questions, self.corrected, self.spoilt, self.failed_first, self.failed_last
        )
    }
}

/// Wrong answers of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Failures {
    /// How many.
    pub count: usize,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// A wrong answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// Index of the question in its file.
    pub index: usize,
    /// Name of the database.
    pub db_id: String,
    /// The question.
    pub question: String,
    /// The gold query.
    pub gold_sql: String,
    /// The model's query; empty if there is none.
    pub sql: String,
    /// The beginning of the reply, where there is no query in it.
    pub reply: Option<String>,
    /// The error's text, where there is one.
    pub message: Option<String>,
}

/// An evaluation's result. Its `Display` is a table for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was evaluated.
    #[serde(flatten)]
    pub about: About,
    /// Over all answers.
    #[serde(flatten)]
    pub score: Score,
    /// By hardness; questions whose gold query the official parser does not understand are in none.
    pub hardness: BTreeMap<Hardness, Score>,
    /// Answers that are wrong as written, by kind, in the order of [`Failure::ALL`].
    pub failures: BTreeMap<Failure, Failures>,
    /// How many queries had which outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// What feedback brought, where there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrections: Option<Corrections>,
    /// Questions that were not asked since their prompt is too long; they count as wrong.
    pub too_long: usize,
    /// Replies cut off at the length limit.
    pub cut_off: usize,
    /// Questions whose gold query failed; they count as wrong.
    pub gold_problems: usize,
}

impl Report {
    /// Adds answers up.
    pub fn new(about: About, answers: &[Answer]) -> Self {
        let level = |level: Hardness| (level, Score::of(&answers.iter().filter(move |a| a.hardness == Some(level))));
        let mut outcomes = BTreeMap::new();
        for answer in answers {
            *outcomes.entry(answer.outcome.clone()).or_default() += 1;
        }
        Self {
            about,
            score: Score::of(&answers.iter()),
            hardness: Hardness::ALL.map(level).into_iter().filter(|(_, score)| score.n > 0).collect(),
            failures: Failure::ALL.map(|failure| (failure, failures(answers, failure))).into(),
            outcomes,
            corrections: Corrections::of(answers),
            too_long: answers.iter().filter(|a| a.too_long).count(),
            cut_off: answers.iter().filter(|a| !a.finished && !a.too_long).count(),
            gold_problems: answers.iter().filter(|a| a.gold_problem.is_some()).count(),
        }
    }

    /// The levels, then all together.
    pub(super) fn columns(&self) -> Vec<(String, Score)> {
        let levels = self.hardness.iter().map(|(level, score)| (level.to_string(), *score));
        levels.chain([("all".to_owned(), self.score)]).collect()
    }

    /// Kinds of failure that occurred, the most frequent first.
    pub(super) fn by_frequency(&self) -> Vec<(Failure, &Failures)> {
        let mut found: Vec<_> = self.failures.iter().filter(|(_, f)| f.count > 0).map(|(k, f)| (*k, f)).collect();
        found.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.count));
        found
    }

    /// What the numbers leave unsaid.
    pub(super) fn notes(&self) -> Vec<String> {
        let told = [
            (self.too_long, "questions were not asked, their prompts being too long; they count as wrong"),
            (self.cut_off, "replies were cut off at the length limit"),
            (self.gold_problems, "gold queries failed; their questions count as wrong"),
        ];
        let mut notes: Vec<String> =
            told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}.")).collect();
        notes.extend(self.corrections.map(Corrections::note));
        if self.score.exact_match.is_none() {
            notes.push("Exact match is not judged: the data folder has no tables.json.".into());
        }
        notes.push("As written: without the official replacement of `value` by `1` in predictions.".into());
        notes
    }
}

fn failures(answers: &[Answer], kind: Failure) -> Failures {
    let found: Vec<&Answer> = answers.iter().filter(|a| a.failure == Some(kind)).collect();
    let example = |a: &&Answer| Example {
        index: a.index,
        db_id: a.db_id.clone(),
        question: a.question.clone(),
        gold_sql: a.gold_sql.clone(),
        sql: a.sql.clone(),
        reply: a.sql.is_empty().then(|| a.reply.chars().take(BEGINNING).collect()),
        message: a.message.clone(),
    };
    Failures { count: found.len(), examples: found.iter().take(EXAMPLES).map(example).collect() }
}

/// A share as per cent, `-` where there is none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}", share * 100.0))
}

/// An interval as per cent.
pub(super) fn range(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(|| "-".to_owned(), |[low, high]| format!("{:.1}-{:.1}", low * 100.0, high * 100.0))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns();
        let mut row = |title: &str, cell: &dyn Fn(&str, &Score) -> String| -> fmt::Result {
            let mut text = format!("{title:<22}");
            for (name, score) in &columns {
                write!(text, "{:>12}", cell(name, score))?;
            }
            writeln!(f, "{text}")
        };
        row("", &|name, _| name.to_owned())?;
        row("count", &|_, s| s.n.to_string())?;
        row("execution %", &|_, s| percent(Some(s.execution_accuracy)))?;
        row("  95 % interval", &|_, s| range(Some(s.execution_interval)))?;
        row("exact match %", &|_, s| percent(s.exact_match))?;
        row("  95 % interval", &|_, s| range(s.exact_interval))?;
        row("execution, as written", &|_, s| percent(Some(s.execution_accuracy_clean)))?;
        row("exact, as written", &|_, s| percent(s.exact_match_clean))?;
        for (kind, failures) in self.by_frequency() {
            writeln!(f, "{:>5} wrong: {}", failures.count, kind.title())?;
        }
        self.notes().iter().try_for_each(|note| writeln!(f, "{note}"))?;
        writeln!(f, "{}, {}, {:.1} s", self.about.split, self.about.decode, self.about.seconds)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same computation, or exact shares")]
#[path = "report_tests.rs"]
mod tests;
