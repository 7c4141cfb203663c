//! Updates of which clipping takes most away.

use super::{
    CostOf, Detect, Finding, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{all, scaled, scaled_count},
    window::{Window, above},
};

/// Share of tokens whose probability ratio is clipped.
#[derive(Debug, Default)]
pub struct Clipping(Window);

impl Detect for Clipping {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        self.0.push(done.metrics.get("clip_ratio/region_mean"), settings.doctor.window);
        let mean = self.0.mean()?;
        above(mean, threshold).or_else(|| {
            Some(Verdict::Sick(Finding {
                severity: Severity::Warning,
                certainty: self.0.certainty(|share| share >= threshold),
                what: format!("{} of the tokens are clipped: updates go further than they may", percent(mean)),
                cost: cost(mean, CostOf::Updates),
                remedies: all([
                    scaled(settings, "optim.learning_rate", 0.5, 0.0, "smaller steps stay within the range"),
                    scaled_count(settings, "grpo.num_iterations", 0.5, 1, "fewer updates from each rollout"),
                    scaled(settings, "grpo.epsilon", 1.5, 0.0, "a wider range"),
                ]),
            }))
        })
    }
}
