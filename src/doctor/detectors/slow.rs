//! Time that goes to scoring and evaluation rather than to learning.

use super::{
    CostOf, Detect, EvalDone, Finding, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled_count},
    window::{Window, above},
};
use crate::run::metrics::{SCORING_TIME, STEP_TIME};

/// Seconds a step, and those of them that are spent elsewhere.
#[derive(Debug, Default)]
pub struct Slow {
    steps: Window,
    scoring: Window,
    eval: Option<f64>,
}

impl Detect for Slow {
    fn eval(&mut self, eval: &EvalDone) {
        self.eval = Some(eval.time).filter(|time| time.is_finite());
    }

    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        self.steps.push(done.metrics.get(STEP_TIME), settings.doctor.window);
        self.scoring.push(done.metrics.get(SCORING_TIME), settings.doctor.window);
        let (step, scoring) = (self.steps.mean()?, self.scoring.mean()?);
        let every = settings.eval.every;
        let eval =
            self.eval.filter(|_| every > 0 && settings.eval.questions > 0).map_or(0.0, |time| time / every as f64);
        let share = Some((scoring + eval) / (step + eval)).filter(|share| share.is_finite())?;
        above(share, threshold).or_else(|| {
            let scores = scoring >= eval;
            Some(Verdict::Sick(Finding {
                severity: Severity::Notice,
                certainty: 0.9,
                what: format!(
                    "{} of the time goes elsewhere than to learning: of {:.1} s a step, {scoring:.1} to scoring and {eval:.1} to evaluation",
                    percent(share),
                    step + eval
                ),
                cost: cost(share, CostOf::Time),
                remedies: all([
                    (!scores).then(|| scaled_count(settings, "eval.every", 2.0, 10, "evaluations are rarer")).flatten(),
                    (!scores).then(|| advice("a smaller eval.questions in a new run, or a data.limit")),
                    scores.then(|| advice("databases in memory (sql.in_memory) and more sql.workers in a new run")),
                    scores.then(|| advice("a lower sql.max_steps stops endless queries sooner, in a new run")),
                ]),
            }))
        })
    }
}
