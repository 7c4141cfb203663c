//! Updates left out because loss or gradient was not finite.

use super::{
    CostOf, Detect, Finding, Patient, Severity, StepDone, Verdict, cost,
    remedies::{advice, all, scaled},
    window::Window,
};
use crate::run::metrics::{GRAD_NORM, LOSS, SKIPPED_UPDATES};

/// Updates left out within the window.
#[derive(Debug, Default)]
pub struct Skipped {
    skipped: Window,
}

impl Detect for Skipped {
    fn patience(&self) -> u32 {
        1
    }

    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        // A run that does not count them shows them by what it measured.
        let lost = [LOSS, GRAD_NORM].iter().any(|name| done.metrics.get(name).is_some_and(|value| !value.is_finite()));
        let counted = done.metrics.get(SKIPPED_UPDATES).unwrap_or(0.0);
        self.skipped.push(Some(counted.max(f64::from(u8::from(lost)))), settings.doctor.window);
        let sum = self.skipped.sum();
        if sum < threshold {
            return Some(if sum > 0.0 { Verdict::Unsettled } else { Verdict::Healthy });
        }
        let steps = self.skipped.len();
        let share = self.skipped.share(|skipped| skipped > 0.0);
        Some(Verdict::Sick(Finding {
            severity: if share >= 0.5 { Severity::Critical } else { Severity::Warning },
            certainty: 1.0,
            what: format!("{sum:.0} updates of the last {steps} steps were left out: loss or gradient was not finite"),
            cost: cost(share, CostOf::Updates),
            remedies: all([
                scaled(settings, "optim.learning_rate", 0.5, 0.0, "smaller steps"),
                scaled(settings, "optim.max_grad_norm", 0.5, 0.1, "gradients are scaled down further"),
                Some(advice("go back to a checkpoint from before (view Controls)")),
            ]),
        }))
    }
}
