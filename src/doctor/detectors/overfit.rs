//! Reward that rises while the held-out accuracy does not.

use super::{
    CostOf, Detect, EvalDone, Finding, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled, set},
    window::Window,
};
use crate::run::metrics::REWARD;

/// Evaluations that must bring nothing.
const EVALS: usize = 3;

/// What an evaluation found, and the training reward by then.
#[derive(Debug, Clone, Copy)]
struct Mark {
    step: u64,
    accuracy: f64,
    /// Upper end of the accuracy's interval.
    high: f64,
    reward: f64,
}

/// The newest evaluations with the training reward around them.
#[derive(Debug, Default)]
pub struct Overfit {
    rewards: Window,
    marks: Vec<Mark>,
}

impl Detect for Overfit {
    fn patience(&self) -> u32 {
        1
    }

    fn eval(&mut self, eval: &EvalDone) {
        // Without a reward by then (before the first steps) there is nothing to compare.
        if let Some(reward) = self.rewards.mean().filter(|_| eval.execution_accuracy.is_finite()) {
            self.marks.retain(|mark| mark.step < eval.step);
            self.marks.push(Mark { step: eval.step, accuracy: eval.execution_accuracy, high: eval.wilson[1], reward });
            self.marks.drain(..self.marks.len().saturating_sub(EVALS + 1));
        }
    }

    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        self.rewards.push(done.metrics.get(REWARD), settings.doctor.window);
        let [first, later @ ..] = &self.marks[..] else { return None };
        let last = later.last().filter(|_| later.len() == EVALS)?;
        let rise = last.reward - first.reward;
        let better = later.iter().any(|mark| mark.accuracy > first.accuracy);
        if better || rise < threshold {
            return Some(Verdict::Healthy);
        }
        let fell = first.accuracy - last.accuracy;
        Some(Verdict::Sick(Finding {
            severity: if last.high < first.accuracy { Severity::Critical } else { Severity::Warning },
            certainty: (0.6 + fell).clamp(0.0, 0.95),
            what: format!(
                "since step {} the reward rose by {rise:.2}, and the held-out accuracy went from {} to {}",
                first.step,
                percent(first.accuracy),
                percent(last.accuracy)
            ),
            cost: cost(1.0, CostOf::Time).filter(|_| fell >= 0.0),
            remedies: all([
                scaled(settings, "reward.partial", 0.5, 0.0, "only right results count"),
                scaled(settings, "grpo.beta", 2.0, 0.02, "it stays nearer to what it knew"),
                settings
                    .eval
                    .patience
                    .is_none()
                    .then(|| set(settings, "eval.patience", 3, "the run ends when nothing gets better"))
                    .flatten(),
                Some(advice("go back to the best checkpoint (view Controls), or train on more different questions")),
            ]),
        }))
    }
}
