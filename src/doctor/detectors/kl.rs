//! A policy that runs away from its reference.

use super::{
    Detect, Finding, Patient, Severity, StepDone, Verdict,
    remedies::{advice, all, scaled, set},
    window::{Window, above},
};
use crate::run::metrics::KL;

/// The divergence: the median of the newest values, so that one outlier does not count.
#[derive(Debug, Default)]
pub struct Kl(Window);

impl Detect for Kl {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        self.0.push(done.metrics.get(KL), patient.settings.doctor.window.min(5));
        let (kl, settings) = (self.0.median()?, patient.settings);
        above(kl, threshold).or_else(|| {
            let far = kl >= 5.0 * threshold;
            Some(Verdict::Sick(Finding {
                severity: if far { Severity::Critical } else { Severity::Warning },
                certainty: self.0.certainty(|kl| kl >= threshold),
                what: format!("KL is {kl:.2} nats a token: the policy runs away from its reference (0.1 to 1.0 is healthy at beta 0.1)"),
                cost: None,
                remedies: all([
                    scaled(settings, "grpo.beta", 2.0, 0.02, "the reference pulls harder"),
                    scaled(settings, "optim.learning_rate", 0.5, 0.0, "smaller steps"),
                    set(settings, "grpo.advantage_clip", 2.0, "no single completion decides an update"),
                    far.then(|| advice("go back to a checkpoint from before it rose (view Controls)")),
                ]),
            }))
        })
    }
}
