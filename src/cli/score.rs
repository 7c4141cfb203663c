//! `sqlr1-tui score`: the official verdicts on a file of predictions.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use rayon::prelude::*;
use serde_json::json;

use crate::{
    data::{Pair, PairsError, read_pairs},
    settings::SqlSettings,
    sql::{
        Sandbox,
        bird::{BirdScore, bird_score},
        database_file,
        official::{ExecutionOptions, Judge, TablesError, Totals, Verdict},
    },
};

/// Steps of SQLite's virtual machine that a query may take: half a minute and more.
pub const MAX_STEPS: u64 = 3_000_000_000;
/// Rows that a result may have.
pub const MAX_ROWS: usize = 1_000_000;

/// Score predictions against gold queries, as the official evaluators do.
#[derive(Debug, Clone, Args)]
pub struct ScoreArgs {
    /// Gold queries: a query, a tab and a database name on each line.
    #[arg(long, value_name = "FILE")]
    pub gold: PathBuf,
    /// Predictions: a query on each line, empty where there is none.
    #[arg(long, value_name = "FILE")]
    pub pred: PathBuf,
    /// The data folder, with tables.json and database/ in it.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Leave DISTINCT in; by default it is taken out of both queries.
    #[arg(long)]
    pub keep_distinct: bool,
    /// Let a prediction match with any of gold's values in the places of its own.
    #[arg(long)]
    pub plug_value: bool,
    /// Whose rules to score by.
    #[arg(long, value_enum, default_value_t = Metric::Spider)]
    pub metric: Metric,
    /// Write one JSON object a line: one for each prediction, then one with the totals.
    #[arg(long)]
    pub json: bool,
    /// Seconds after which a query is stopped and counts as wrong.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub timeout: f64,
    /// Runs over which BIRD's R-VES takes times.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub iterations: usize,
}

/// Whose rules to score by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// Execution match by test suites, exact set match, hardness.
    Spider,
    /// EX, Soft-F1 and R-VES.
    Bird,
}

/// Why nothing could be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The files of queries.
    #[error(transparent)]
    Pairs(#[from] PairsError),
    /// The data folder's list of schemas.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A database is not there.
    #[error("query {index} of {}: there is no database {db_id} in {}", gold.display(), root.display())]
    NoDatabase {
        /// The file of gold queries.
        gold: PathBuf,
        /// Which query needs it, from 0.
        index: usize,
        /// Its name.
        db_id: String,
        /// The data folder.
        root: PathBuf,
    },
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

impl ScoreArgs {
    /// The limits of a sandbox to score in: wide ones, for whatever runs is to be judged.
    pub fn limits(&self) -> SqlSettings {
        SqlSettings { timeout: self.timeout, max_steps: MAX_STEPS, max_rows: MAX_ROWS, ..SqlSettings::default() }
    }
}

/// Scores and writes the result to `out`. Predictions are executed in `sandbox`.
///
/// # Errors
/// See [`ScoreError`]; all but [`ScoreError::Write`] are the input's fault.
pub fn run(args: &ScoreArgs, sandbox: Sandbox, out: &mut dyn Write) -> Result<(), ScoreError> {
    let pairs = read_pairs(&args.gold, &args.pred)?;
    check_databases(args, &pairs)?;
    match args.metric {
        Metric::Spider => spider(args, &pairs, sandbox, out),
        Metric::Bird => bird(args, &pairs, &sandbox, out),
    }
}

fn check_databases(args: &ScoreArgs, pairs: &[Pair]) -> Result<(), ScoreError> {
    let mut there = HashSet::new();
    for (index, pair) in pairs.iter().enumerate() {
        if there.contains(&pair.db_id) {
            continue;
        }
        if !database_file(&args.data, &pair.db_id).is_some_and(|file| file.is_file()) {
            let (gold, db_id, root) = (args.gold.clone(), pair.db_id.clone(), args.data.clone());
            return Err(ScoreError::NoDatabase { gold, index, db_id, root });
        }
        there.insert(&pair.db_id);
    }
    Ok(())
}

fn spider(args: &ScoreArgs, pairs: &[Pair], sandbox: Sandbox, out: &mut dyn Write) -> Result<(), ScoreError> {
    let options = ExecutionOptions { keep_distinct: args.keep_distinct, plug_value: args.plug_value };
    let judge = Judge::new(&args.data, sandbox, options)?;
    let verdicts: Vec<Verdict> =
        pairs.par_iter().map(|pair| judge.verdict(&pair.db_id, &pair.gold, &pair.predicted)).collect();
    let mut totals = Totals::default();
    for (index, (pair, verdict)) in pairs.iter().zip(&verdicts).enumerate() {
        totals.add(verdict);
        if args.json {
            writeln!(out, "{}", spider_line(index, pair, verdict))?;
        }
    }
    if args.json {
        writeln!(out, "{}", json!(totals.summary()))?;
    } else {
        write!(out, "{totals}")?;
    }
    Ok(out.flush()?)
}

fn spider_line(index: usize, pair: &Pair, verdict: &Verdict) -> serde_json::Value {
    json!({
        "index": index,
        "db_id": pair.db_id,
        "hardness": verdict.hardness,
        "exec": u8::from(verdict.official.exec),
        "exact": u8::from(verdict.official.exact),
        "outcome": verdict.outcome,
        "exec_clean": u8::from(verdict.clean.exec),
        "exact_clean": u8::from(verdict.clean.exact),
        "gold_problem": verdict.gold_problem,
    })
}

/// One after the other, since times are compared.
fn bird(args: &ScoreArgs, pairs: &[Pair], sandbox: &Sandbox, out: &mut dyn Write) -> Result<(), ScoreError> {
    let mut sums = [0.0; 3];
    let mut gold_problems = 0;
    for (index, pair) in pairs.iter().enumerate() {
        // All databases were found before.
        let database = database_file(&args.data, &pair.db_id).unwrap_or_default();
        let score = bird_score(sandbox, &database, &pair.gold, &pair.predicted, args.iterations);
        sums[0] += f64::from(u8::from(score.exec));
        sums[1] += score.soft_f1;
        sums[2] += score.reward.sqrt();
        gold_problems += usize::from(score.gold_problem.is_some());
        if args.json {
            writeln!(out, "{}", bird_line(index, pair, &score))?;
        }
    }
    let [ex, soft_f1, r_ves] = sums.map(|sum| sum / pairs.len().max(1) as f64);
    let n = pairs.len();
    if args.json {
        let totals = json!({"metric": "bird", "n": n, "execution_accuracy": ex, "soft_f1": soft_f1, "r_ves": r_ves,
                            "gold_problems": gold_problems});
        writeln!(out, "{totals}")?;
    } else {
        let (ex, soft_f1, r_ves) = (ex * 100.0, soft_f1 * 100.0, r_ves * 100.0);
        writeln!(
            out,
            "n {n}\nEX {ex:.2}\nSoft-F1 {soft_f1:.2}\nR-VES {r_ves:.2}\ngold queries that failed {gold_problems}"
        )?;
    }
    Ok(out.flush()?)
}

fn bird_line(index: usize, pair: &Pair, score: &BirdScore) -> serde_json::Value {
    json!({
        "index": index,
        "db_id": pair.db_id,
        // Spider's alone; the lines of both metrics have the same names for what both have.
        "hardness": null,
        "exec": u8::from(score.exec),
        "exact": null,
        "soft_f1": score.soft_f1,
        "r_ves": score.reward,
        "outcome": score.outcome,
        "gold_problem": score.gold_problem,
    })
}

#[cfg(test)]
mod tests;
