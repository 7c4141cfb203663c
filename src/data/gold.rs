//! Which gold queries can teach something.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use rayon::prelude::*;

use super::Example;
use crate::sql::{Outcome, Sandbox};

/// Examples looked at together when only so many are needed.
const CHUNK: usize = 256;

/// What a check of gold queries found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoldReport {
    /// Examples looked at; fewer than there are if a limit was reached before. 0 if there was no check.
    pub checked: usize,
    /// Ids of the examples whose gold query failed, with what came of it.
    pub failed: Vec<(usize, String)>,
    /// Ids of the examples whose gold query returned no row.
    pub empty: Vec<usize>,
}

impl GoldReport {
    /// Examples that are of no use.
    pub fn dropped(&self) -> usize {
        self.failed.len() + self.empty.len()
    }

    /// What is said of the examples that are left out; `None` if there are none.
    pub fn note(&self) -> Option<String> {
        let (failed, empty) = (self.failed.len(), self.empty.len());
        (self.dropped() > 0).then(|| {
            format!(
                "left out of training: {failed} questions whose gold query fails, {empty} whose gold result is empty"
            )
        })
    }
}

/// What came of a gold query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldRun {
    /// The example's id.
    pub id: usize,
    /// Rows of the result, or why there is none.
    pub rows: Result<usize, String>,
    /// Time that it took; that of examples with the same query is measured once.
    pub elapsed: Duration,
}

/// Executes the gold queries, each distinct one once, on all threads. They get more time than the sandbox gives: which
/// examples are left must not depend on how busy the machine is. The list is in the order of ids.
pub fn run_gold(examples: &[Example], sandbox: &Sandbox) -> Vec<GoldRun> {
    let sandbox = sandbox.trusted();
    let mut distinct: HashMap<(&Path, &str), Vec<usize>> = HashMap::new();
    for example in examples {
        distinct.entry((&example.database, &example.gold_sql)).or_default().push(example.id);
    }
    let run = |((database, sql), ids): ((&Path, &str), Vec<usize>)| {
        let execution = sandbox.run(database, sql);
        let rows = match &execution.outcome {
            Outcome::Rows(table) => Ok(table.rows.len()),
            failure => Err(describe(failure)),
        };
        ids.into_iter().map(|id| GoldRun { id, rows: rows.clone(), elapsed: execution.elapsed }).collect::<Vec<_>>()
    };
    let mut runs: Vec<GoldRun> = distinct.into_par_iter().flat_map_iter(run).collect();
    runs.sort_unstable_by_key(|run| run.id);
    runs
}

/// Executes the gold queries as [`run_gold`] does, and sorts out which are of use.
pub fn check_gold(examples: &[Example], sandbox: &Sandbox) -> GoldReport {
    let mut report = GoldReport { checked: examples.len(), ..GoldReport::default() };
    for run in run_gold(examples, sandbox) {
        match run.rows {
            Ok(0) => report.empty.push(run.id),
            Ok(_) => {}
            Err(why) => report.failed.push((run.id, why)),
        }
    }
    report
}

/// The examples with useful gold queries, `limit` of them at most, in their order.
pub fn usable_examples(examples: &[Example], limit: Option<usize>, sandbox: &Sandbox) -> (Vec<Example>, GoldReport) {
    let mut usable = Vec::new();
    let mut report = GoldReport::default();
    let limit = limit.unwrap_or(usize::MAX);
    for chunk in examples.chunks(if limit == usize::MAX { examples.len().max(1) } else { CHUNK }) {
        if usable.len() >= limit {
            break;
        }
        let found = check_gold(chunk, sandbox);
        let bad: HashSet<usize> = found.failed.iter().map(|(id, _)| *id).chain(found.empty.iter().copied()).collect();
        usable.extend(chunk.iter().filter(|example| !bad.contains(&example.id)).cloned());
        report.checked += found.checked;
        report.failed.extend(found.failed);
        report.empty.extend(found.empty);
    }
    usable.truncate(limit);
    (usable, report)
}

fn describe(failure: &Outcome) -> String {
    match failure.message() {
        Some(message) => format!("{}: {message}", failure.kind()),
        None => failure.kind().to_owned(),
    }
}
