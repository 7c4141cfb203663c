//! What the cells of a grid brought, as Markdown, CSV and JSON.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use serde::Serialize;

use super::grid::Cell;
use crate::{
    cockpit::state::RunView,
    evaluate::markdown::plain,
    run::{event::EvalDone, metrics, pace::duration},
};

/// Steps at the end whose mean reward is told.
const LAST: usize = 10;

/// A cell's result.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What it sets, the seed aside, by key.
    pub settings: BTreeMap<String, String>,
    /// The same for people.
    pub variant: String,
    /// Its seed, where several were asked for.
    pub seed: Option<u64>,
    /// `done`, `failed`, or `to do`.
    pub state: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// Steps trained.
    pub steps: u64,
    /// The last held-out evaluation.
    pub last: Option<Mark>,
    /// The best one, the first of equals.
    pub best: Option<Mark>,
    /// Mean reward of the last steps.
    pub reward: Option<f64>,
    /// Seconds of all steps and evaluations that stand.
    pub seconds: f64,
    /// Its run folder.
    pub run: PathBuf,
}

/// A held-out evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mark {
    /// Steps trained by then.
    pub step: u64,
    /// Right answers.
    pub correct: usize,
    /// Questions.
    pub n: usize,
    /// Their share.
    pub accuracy: f64,
    /// Its Wilson 95 % interval.
    pub wilson: [f64; 2],
}

impl Mark {
    fn of(eval: &EvalDone) -> Self {
        let EvalDone { step, correct, n, execution_accuracy: accuracy, wilson, .. } = *eval;
        Self { step, correct, n, accuracy, wilson }
    }

    fn percent(&self) -> String {
        let [low, high] = self.wilson.map(|bound| bound * 100.0);
        format!("{:.1} ({low:.1} to {high:.1})", self.accuracy * 100.0)
    }
}

impl Row {
    /// What a cell's run, as far as there is one, brought.
    pub fn new(cell: &Cell, run: PathBuf, view: &RunView, state: &'static str, error: Option<String>) -> Self {
        let better = |a: &&EvalDone, b: &&EvalDone| {
            a.execution_accuracy.total_cmp(&b.execution_accuracy).then(b.step.cmp(&a.step))
        };
        let times = view.series(metrics::STEP_TIME).map_or(0.0, |series| {
            series.points().iter().map(|point| point.1).filter(|seconds| seconds.is_finite()).sum()
        });
        Self {
            settings: cell.sets.iter().cloned().collect(),
            variant: cell.variant(),
            seed: cell.seed,
            state,
            error,
            steps: view.step(),
            last: view.evals().last().map(Mark::of),
            best: view.evals().iter().max_by(better).map(Mark::of),
            reward: view.series(metrics::REWARD).and_then(|series| series.recent_mean(LAST)),
            seconds: times + view.evals().iter().map(|eval| eval.time).sum::<f64>(),
            run,
        }
    }

    fn name(&self) -> String {
        self.seed.map_or_else(|| self.variant.clone(), |seed| format!("{} seed={seed}", self.variant))
    }
}

/// The page, with the picture's file name.
pub fn markdown(rows: &[Row], picture: &str) -> String {
    let mut page = format!(
        "# Ablation\n\n![curves]({picture})\n\nAccuracy: held-out execution accuracy in %, with its Wilson 95 % interval. Reward: mean of the last {LAST} steps.\n\n\
         | cell | state | steps | last accuracy | best accuracy | at step | reward | time |\n|---|---|---:|---:|---:|---:|---:|---:|\n"
    );
    for row in rows {
        let none = || "–".to_owned();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            plain(&row.name()),
            row.state,
            row.steps,
            row.last.as_ref().map_or_else(none, Mark::percent),
            row.best.as_ref().map_or_else(none, Mark::percent),
            row.best.map_or_else(none, |best| best.step.to_string()),
            row.reward.map_or_else(none, |reward| format!("{reward:.3}")),
            duration(row.seconds)
        );
    }
    page.push_str(&over_seeds(rows));
    for row in rows {
        if let Some(error) = &row.error {
            let _ = writeln!(page, "\n{} failed: {}", plain(&row.name()), plain(error));
        }
    }
    page
}

/// Variants by the mean of their seeds; empty where there is one seed.
fn over_seeds(rows: &[Row]) -> String {
    if rows.iter().all(|row| row.seed == rows[0].seed) {
        return String::new();
    }
    let mut text = "\n## Over the seeds\n\n| variant | seeds | last accuracy, mean | lowest to highest | best accuracy, mean |\n|---|---:|---:|---:|---:|\n".to_owned();
    let mut seen: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.last.is_some()) {
        if seen.contains(&row.variant.as_str()) {
            continue;
        }
        seen.push(&row.variant);
        let those: Vec<_> = rows.iter().filter(|other| other.variant == row.variant).collect();
        let last: Vec<f64> = those.iter().filter_map(|row| Some(row.last?.accuracy * 100.0)).collect();
        let best: Vec<f64> = those.iter().filter_map(|row| Some(row.best?.accuracy * 100.0)).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (low, high) = last.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {low:.1} to {high:.1} | {:.1} |",
            plain(&row.variant),
            last.len(),
            mean(&last),
            mean(&best)
        );
    }
    text
}

/// A row a cell.
pub fn csv(rows: &[Row]) -> String {
    let quoted = |text: &str| format!("\"{}\"", crate::harmless::text(text).replace('"', "\"\""));
    let mut text = "cell,seed,state,steps,last_accuracy,last_low,last_high,best_accuracy,best_low,best_high,best_step,questions,reward,seconds\n".to_owned();
    for row in rows {
        let mark = |mark: Option<Mark>| {
            mark.map_or_else(|| ",,".to_owned(), |m| format!("{},{},{}", m.accuracy, m.wilson[0], m.wilson[1]))
        };
        let shown = |value: Option<String>| value.unwrap_or_default();
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{:.1}",
            quoted(&row.variant),
            shown(row.seed.map(|seed| seed.to_string())),
            row.state,
            row.steps,
            mark(row.last),
            mark(row.best),
            shown(row.best.map(|best| best.step.to_string())),
            shown(row.last.map(|last| last.n.to_string())),
            shown(row.reward.map(|reward| reward.to_string())),
            row.seconds
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::ablate::grid::Vary, run::fixture::RunBuilder};

    #[test]
    fn tables_tell_last_and_best_with_intervals_and_what_failed() {
        let cells = Cell::grid(&[Vary::parse("grpo.loss_type=grpo,dapo").unwrap()], &[1, 2]);
        let mut run = RunBuilder::with_steps(40);
        run.eval(41, 2);
        let view = RunView::replay(&run.records());
        let mut rows: Vec<Row> = cells.iter().map(|cell| Row::new(cell, "x".into(), &view, "done", None)).collect();
        rows[3] = Row::new(&cells[3], "x".into(), &RunView::default(), "failed", Some("no | memory".into()));
        let page = markdown(&rows, "ablation.png");
        assert!(
            page.contains("| loss\\_type=grpo seed=1 | done | 40 | 6.2 (0.0 to 21.2) | 21.9 (9.9 to 36.9) | 40 |"),
            "{page}"
        );
        assert!(page.contains("| loss\\_type=dapo | 1 | 6.2 | 6.2 to 6.2 | 21.9 |"), "{page}");
        assert!(page.contains("failed: no \\| memory"), "{page}");
        let table = csv(&rows);
        let columns: Vec<usize> = table.lines().map(|line| line.matches(',').count()).collect();
        assert_eq!(columns, [13; 5], "{table}");
        assert!(table.contains("\"loss_type=grpo\",2,done,40,0.0625,0,0.2125"), "{table}");
    }
}
