//! A policy that stops exploring: its entropy is gone, or will be soon.

use super::{
    Detect, Finding, Patient, Severity, StepDone, Verdict,
    remedies::{advice, all, scaled},
    window::{Window, below},
};
use crate::run::metrics::ENTROPY;

/// Entropy, and when it reaches its floor at the rate at which it falls.
#[derive(Debug, Default)]
pub struct Entropy(Window);

/// Windows ahead that are looked at.
const AHEAD: f64 = 2.0;

impl Detect for Entropy {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, floor: f64) -> Option<Verdict> {
        let (settings, most) = (patient.settings, patient.settings.doctor.window);
        self.0.push(done.metrics.get(ENTROPY), most);
        let (mean, slope) = (self.0.mean()?, self.0.slope()?);
        let steps = if slope < 0.0 { (mean - floor) / -slope } else { f64::INFINITY };
        // A rate is known after a whole window only.
        let soon = self.0.len() == most && steps <= AHEAD * most as f64;
        let (severity, what) = match below(mean, floor) {
            None => (Severity::Critical, format!("entropy is {mean:.3} nats a token: nothing is explored any more")),
            Some(_) if soon => (
                Severity::Warning,
                format!("entropy is {mean:.3} nats a token and reaches {floor} in about {steps:.0} steps"),
            ),
            Some(fine) => return Some(fine),
        };
        Some(Verdict::Sick(Finding {
            severity,
            certainty: if soon { 0.7 } else { self.0.certainty(|entropy| entropy < floor) },
            what,
            cost: None,
            remedies: all([
                scaled(settings, "grpo.entropy_coef", 2.0, 0.001, "entropy is rewarded"),
                scaled(settings, "rollout.temperature", 1.25, 1.0, "hotter sampling"),
                scaled(settings, "optim.learning_rate", 0.5, 0.0, "it hardens more slowly"),
                scaled(
                    settings,
                    "grpo.epsilon_high",
                    1.0,
                    0.28,
                    "rare tokens may become likelier (DAPO's clip-higher)",
                ),
                Some(advice("go back to a checkpoint from before it fell (view Controls)")),
            ]),
        }))
    }
}
