//! BIRD's metrics: EX, Soft-F1 and R-VES, by the rules of methods.md 6.5.
//!
//! Checked on cases worked out by hand; no run of the official evaluator was compared.

use std::{collections::HashSet, path::Path, time::Duration};

use super::{
    Outcome, Sandbox, Table, Value,
    python::{Equal, equal},
};

/// The scores of one prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct BirdScore {
    /// Whether the sets of rows are equal, columns in their order.
    pub exec: bool,
    /// Overlap of cells, row by row, from 0 to 1.
    pub soft_f1: f64,
    /// The reward for being right and fast, from 0 to 1.25; its square root is what is averaged.
    pub reward: f64,
    /// What came of the prediction, by [`Outcome::kind`].
    pub outcome: &'static str,
    /// What went wrong with the gold query, if something did.
    pub gold_problem: Option<String>,
}

/// Scores a prediction. Times are measured over `iterations` runs of both queries, if the prediction is right.
pub fn bird_score(sandbox: &Sandbox, database: &Path, gold: &str, predicted: &str, iterations: usize) -> BirdScore {
    let truth = sandbox.run(database, gold).outcome;
    let answer = sandbox.run(database, predicted).outcome;
    let mut score = BirdScore {
        exec: false,
        soft_f1: 0.0,
        reward: 0.0,
        outcome: answer.kind(),
        gold_problem: truth.table().is_none().then(|| problem(&truth)),
    };
    if let (Some(truth), Some(answer)) = (truth.table(), answer.table()) {
        score.exec = same_rows(truth, answer);
        score.soft_f1 = soft_f1(truth, answer);
        if score.exec {
            score.reward = time_reward(mean_ratio(&time_ratios(sandbox, database, gold, predicted, iterations)));
        }
    }
    score
}

fn problem(outcome: &Outcome) -> String {
    outcome.message().map_or_else(|| outcome.kind().to_owned(), |message| format!("{}: {message}", outcome.kind()))
}

fn keys(row: &[Value]) -> Vec<Equal<'_>> {
    row.iter().map(equal).collect()
}

fn same_rows(truth: &Table, answer: &Table) -> bool {
    row_set(truth) == row_set(answer)
}

fn row_set(table: &Table) -> HashSet<Vec<Equal<'_>>> {
    table.rows.iter().map(|row| keys(row)).collect()
}

/// Rows without duplicates, in their order.
fn distinct(table: &Table) -> Vec<Vec<Equal<'_>>> {
    let mut seen = HashSet::new();
    table.rows.iter().map(|row| keys(row)).filter(|row| seen.insert(row.clone())).collect()
}

/// Row i is compared with row i; the order of columns does not count, that of rows does. A cell that is in the other
/// row anywhere is a match; shares are of gold's columns. A row without counterpart is wholly wrong.
pub fn soft_f1(truth: &Table, answer: &Table) -> f64 {
    let (truth, answer) = (distinct(truth), distinct(answer));
    if truth.is_empty() && answer.is_empty() {
        return 1.0;
    }
    let mut matched = 0.0;
    let mut surplus = answer.len().saturating_sub(truth.len()) as f64;
    let mut lacking = truth.len().saturating_sub(answer.len()) as f64;
    for (gold, row) in truth.iter().zip(&answer) {
        let columns = gold.len() as f64;
        let found = row.iter().filter(|cell| gold.contains(cell)).count();
        matched += found as f64 / columns;
        surplus += (row.len() - found) as f64 / columns;
        lacking += gold.iter().filter(|cell| !row.contains(cell)).count() as f64 / columns;
    }
    let share = |of: f64| if of > 0.0 { matched / of } else { 0.0 };
    let (precision, recall) = (share(matched + surplus), share(matched + lacking));
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

/// Gold's time over the prediction's, run by run.
fn time_ratios(sandbox: &Sandbox, database: &Path, gold: &str, predicted: &str, iterations: usize) -> Vec<f64> {
    let seconds = |sql| sandbox.run(database, sql).elapsed.max(Duration::from_nanos(1)).as_secs_f64();
    (0..iterations.max(1))
        .map(|_| {
            let predicted = seconds(predicted);
            seconds(gold) / predicted
        })
        .collect()
}

/// The mean without what is more than three standard deviations away from it.
fn mean_ratio(ratios: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let middle = mean(ratios);
    let deviation = mean(&ratios.iter().map(|ratio| (ratio - middle).powi(2)).collect::<Vec<_>>()).sqrt();
    let usual: Vec<f64> = ratios.iter().copied().filter(|ratio| (ratio - middle).abs() <= 3.0 * deviation).collect();
    if usual.is_empty() { middle } else { mean(&usual) }
}

fn time_reward(ratio: f64) -> f64 {
    match ratio {
        r if r >= 2.0 => 1.25,
        r if r >= 1.0 => 1.0,
        r if r >= 0.5 => 0.75,
        r if r >= 0.25 => 0.5,
        _ => 0.25,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "rewards are constants")]
mod tests;
