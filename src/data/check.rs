//! A report on a data folder: what there is, how hard it is, and what is of no use.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::{DataError, Example, GoldRun, Place, Problem, Questions, Split, hardness::spider_levels, run_gold};
use crate::{settings::DataSettings, sql::Sandbox};

/// What there is in a data folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// The data folder.
    pub root: PathBuf,
    /// Whether all of it can be used.
    pub usable: bool,
    /// Splits that cannot be read at all, with the reason.
    pub unreadable: Vec<String>,
    /// The others.
    pub splits: Vec<SplitReport>,
}

/// What there is in a split.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SplitReport {
    /// `train` or `dev`.
    pub split: String,
    /// The files, with the number of entries in each.
    pub files: Vec<(PathBuf, usize)>,
    /// Entries that can be used.
    pub questions: usize,
    /// What of the files cannot be used.
    pub unusable: Vec<String>,
    /// Databases that are not there.
    pub missing_databases: Vec<String>,
    /// Questions by Spider's level; `unknown` where the official parser fails on the gold query.
    pub hardness: BTreeMap<String, usize>,
    /// Questions by BIRD's difficulty, where that is told.
    pub difficulty: BTreeMap<String, usize>,
    /// Questions with evidence.
    pub with_evidence: usize,
    /// Questions of each database.
    pub questions_per_database: BTreeMap<String, usize>,
    /// Gold queries that fail.
    pub gold_failing: Vec<GoldFinding>,
    /// Gold queries that return nothing.
    pub gold_empty: Vec<GoldFinding>,
    /// Gold queries that take longer than the threshold.
    pub gold_slow: Vec<GoldFinding>,
}

/// A gold query that is worth a word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GoldFinding {
    /// The file of questions.
    pub file: PathBuf,
    /// Index of the entry, from 0.
    pub entry: usize,
    /// The database.
    pub db_id: String,
    /// What came of the query: why it failed, or the number of its rows.
    pub outcome: String,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Reads both splits and executes every gold query. One that takes longer than `slow` is reported as such.
///
/// # Errors
/// [`DataError::NoRoot`], or no split can be read: the reason for the first.
pub fn check(
    settings: &DataSettings,
    splits: &[Split],
    sandbox: &Sandbox,
    slow: Duration,
) -> Result<CheckReport, DataError> {
    let root = settings.root.clone().ok_or(DataError::NoRoot)?;
    let mut report = CheckReport { root, usable: true, unreadable: Vec::new(), splits: Vec::new() };
    let mut first_error = None;
    for &split in splits {
        let read =
            Place::find(&report.root, split, split.file(settings)).and_then(|place| Questions::read(&place, split));
        match read {
            Ok(questions) => report.splits.push(SplitReport::new(split, &questions, sandbox, slow)),
            Err(error) => {
                report.unreadable.push(error.to_string());
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if report.splits.is_empty() => return Err(error),
        _ => {}
    }
    let whole = |split: &SplitReport| split.unusable.is_empty() && split.questions > 0;
    report.usable = report.unreadable.is_empty() && report.splits.iter().all(whole);
    Ok(report)
}

impl SplitReport {
    fn new(split: Split, questions: &Questions, sandbox: &Sandbox, slow: Duration) -> Self {
        let examples = &questions.examples;
        let missing = questions.flaws.iter().filter_map(|flaw| match &flaw.problem {
            Problem::NoDatabase { db_id, .. } => Some(db_id.clone()),
            _ => None,
        });
        let mut missing: Vec<String> = missing.collect();
        missing.sort_unstable();
        missing.dedup();
        let level = |level: Option<_>| {
            level.map_or_else(|| "unknown".to_owned(), |level: crate::sql::official::Hardness| level.to_string())
        };
        let mut report = Self {
            split: split.to_string(),
            files: questions.sources.iter().map(|source| (source.file.clone(), source.entries)).collect(),
            questions: examples.len(),
            unusable: questions.flaws.iter().map(ToString::to_string).collect(),
            missing_databases: missing,
            hardness: counted(spider_levels(examples).into_iter().map(level)),
            difficulty: counted(examples.iter().filter_map(|example| example.difficulty.clone())),
            with_evidence: examples.iter().filter(|example| example.evidence.is_some()).count(),
            questions_per_database: counted(examples.iter().map(|example| example.db_id.clone())),
            ..Self::default()
        };
        for (run, example) in run_gold(examples, sandbox).iter().zip(examples) {
            report.add(run, example, questions, slow);
        }
        report
    }

    fn add(&mut self, run: &GoldRun, example: &Example, questions: &Questions, slow: Duration) {
        let (file, entry) = questions.origin(example.id).unwrap_or((Path::new(""), example.id));
        let outcome = run.rows.as_ref().map_or_else(Clone::clone, |rows| format!("{rows} rows"));
        let seconds = run.elapsed.as_secs_f64();
        let finding = GoldFinding { file: file.to_owned(), entry, db_id: example.db_id.clone(), outcome, seconds };
        if run.elapsed > slow {
            self.gold_slow.push(finding.clone());
        }
        match run.rows {
            Err(_) => self.gold_failing.push(finding),
            Ok(0) => self.gold_empty.push(finding),
            Ok(_) => {}
        }
    }
}

fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
