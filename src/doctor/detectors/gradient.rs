//! Gradients far larger than usual.

use super::{
    Detect, Finding, Patient, Severity, StepDone, Verdict,
    remedies::{advice, all, scaled, set},
    window::{Window, above},
};
use crate::run::metrics::GRAD_NORM;

/// The gradient's norm, as a multiple of the median of those before.
#[derive(Debug, Default)]
pub struct Gradient(Window);

impl Detect for Gradient {
    fn patience(&self) -> u32 {
        1
    }

    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let (settings, norm) = (patient.settings, done.metrics.get(GRAD_NORM).filter(|norm| norm.is_finite())?);
        // Twice as far back as others: what is usual changes slowly.
        let median = self.0.median().filter(|median| *median > 0.0);
        self.0.push(Some(norm), 2 * settings.doctor.window);
        let times = norm / median?;
        above(times, threshold).or_else(|| {
            let clipped = settings.optim.max_grad_norm > 0.0;
            Some(Verdict::Sick(Finding {
                severity: if clipped { Severity::Notice } else { Severity::Warning },
                certainty: (1.0 - threshold / (2.0 * times)).clamp(0.0, 1.0),
                what: format!(
                    "the gradient's norm is {norm:.2}, {times:.0} times its median{}",
                    if clipped { "; it is scaled down" } else { "" }
                ),
                cost: None,
                remedies: all([
                    (!clipped)
                        .then(|| set(settings, "optim.max_grad_norm", 1.0, "larger gradients are scaled down"))
                        .flatten(),
                    scaled(settings, "optim.learning_rate", 0.5, 0.0, "smaller steps"),
                    set(settings, "grpo.advantage_clip", 2.0, "no single completion decides an update"),
                    Some(advice("look at the questions of that step (view Rollouts)")),
                ]),
            }))
        })
    }
}
