//! Which gold queries can teach something.

use std::collections::HashMap;

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
}

/// Executes the gold queries, each distinct one once, on all threads, and sorts out which are of use. They get more
/// time than the sandbox gives: which examples are left must not depend on how busy the machine is.
pub fn check_gold(examples: &[Example], sandbox: &Sandbox) -> GoldReport {
    let sandbox = sandbox.trusted();
    let mut distinct: HashMap<_, Vec<usize>> = HashMap::new();
    for example in examples {
        distinct.entry((&example.database, &example.gold_sql)).or_default().push(example.id);
    }
    let outcomes: Vec<(Vec<usize>, Option<Outcome>)> = distinct
        .into_par_iter()
        .map(|((database, sql), ids)| match sandbox.run(database, sql).outcome {
            Outcome::Rows(table) if !table.rows.is_empty() => (ids, None),
            Outcome::Rows(_) => (ids, Some(Outcome::Rows(crate::sql::Table::default()))),
            failure => (ids, Some(failure)),
        })
        .collect();
    let mut report = GoldReport { checked: examples.len(), ..GoldReport::default() };
    for (ids, problem) in outcomes {
        match problem {
            None => {}
            Some(Outcome::Rows(_)) => report.empty.extend(ids),
            Some(failure) => report.failed.extend(ids.into_iter().map(|id| (id, describe(&failure)))),
        }
    }
    report.failed.sort();
    report.empty.sort_unstable();
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
        let bad = |id: &usize| found.empty.binary_search(id).is_ok() || found.failed.iter().any(|(f, _)| f == id);
        usable.extend(chunk.iter().filter(|example| !bad(&example.id)).cloned());
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
