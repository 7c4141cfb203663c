//! Reward for what is no answer: results that are empty on both sides, and one query for many questions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    CostOf, Detect, Finding, GroupScored, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled},
    window::{ENOUGH, above},
};

/// Questions that a query must seem to answer before it is taken for a constant one.
const MANY: usize = 3;

/// What is remembered of a completion that counts as right.
#[derive(Debug)]
struct Right {
    question: String,
    sql: String,
    empty: bool,
}

/// Completions that count as right, by step.
#[derive(Debug, Default)]
pub struct Hacking {
    step: Vec<Right>,
    steps: VecDeque<Vec<Right>>,
}

/// The same query, however it is written.
fn plain(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(';').to_lowercase()
}

impl Hacking {
    /// How many completions count as right, how many of them are empty, and how many have a query that many questions have.
    fn count(&self) -> (usize, usize, usize) {
        let right = || self.steps.iter().flatten();
        let mut questions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for one in right() {
            questions.entry(&one.sql).or_default().insert(&one.question);
        }
        let constant = |one: &&Right| questions.get(one.sql.as_str()).is_some_and(|asked| asked.len() >= MANY);
        (
            right().count(),
            right().filter(|one| one.empty).count(),
            right().filter(|one| !one.empty).filter(constant).count(),
        )
    }
}

impl Detect for Hacking {
    fn group(&mut self, group: &GroupScored) {
        for candidate in group.candidates.iter().filter(|candidate| candidate.correct) {
            let empty = candidate.result.outcome == "rows" && candidate.result.total_rows == 0;
            let question = format!("{} {}", group.db_id, group.question.trim().to_lowercase());
            self.step.push(Right { question, sql: plain(&candidate.sql), empty });
        }
    }

    fn judge(&mut self, _done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        self.steps.push_back(std::mem::take(&mut self.step));
        while self.steps.len() > settings.doctor.window {
            self.steps.pop_front();
        }
        let (right, empty, constant) = self.count();
        // Few right ones prove nothing.
        if right < 2 * ENOUGH {
            return None;
        }
        let share = (empty + constant) as f64 / right as f64;
        above(share, threshold).or_else(|| {
            Some(Verdict::Sick(Finding {
                severity: Severity::Critical,
                certainty: ((empty + constant) as f64 + 1.0) / (right as f64 + 2.0),
                what: format!(
                    "{} of what counts as right is likely no answer: {empty} of {right} results are empty, {constant} come from a query that \
                     answers {MANY} or more questions",
                    percent(share)
                ),
                cost: cost(share, CostOf::Rollouts),
                remedies: all([
                    (empty > 0).then(|| advice("leave out questions whose gold result is empty: data.check_gold in a new run")),
                    scaled(settings, "grpo.beta", 2.0, 0.02, "it stays nearer to what it knew"),
                    Some(advice("look at the completions (view Rollouts), then go back to a checkpoint from before (view Controls)")),
                ]),
            }))
        })
    }
}
