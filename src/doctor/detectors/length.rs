//! Completions that grow without end.

use super::{
    CostOf, Detect, Finding, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled_count, set},
    window::{ENOUGH, Window, above},
};
use crate::run::metrics::{CLIPPED_RATIO, MEAN_LENGTH};

/// Mean length, as a multiple of that of the first steps.
#[derive(Debug, Default)]
pub struct Length {
    first: Window,
    newest: Window,
    truncated: Window,
}

impl Detect for Length {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let (settings, most) = (patient.settings, patient.settings.doctor.window);
        let length = done.metrics.get(MEAN_LENGTH).filter(|length| *length > 0.0);
        if self.first.len() < most.max(ENOUGH) {
            self.first.push(length, most.max(ENOUGH));
            return None;
        }
        self.newest.push(length, most);
        self.truncated.push(done.metrics.get(CLIPPED_RATIO), most);
        let (first, now) = (self.first.mean()?, self.newest.mean()?);
        let truncated = self.truncated.mean().unwrap_or(0.0);
        above(now / first, threshold).or_else(|| {
            let cut = (truncated > 0.0).then(|| format!(", {} are cut off", percent(truncated)));
            Some(Verdict::Sick(Finding {
                severity: if truncated > 0.5 { Severity::Critical } else { Severity::Warning },
                certainty: self.newest.certainty(|length| length >= threshold * first),
                what: format!(
                    "completions are {now:.0} tokens long, {first:.0} at the start{}",
                    cut.unwrap_or_default()
                ),
                cost: cost(1.0 - first / now, CostOf::Time),
                remedies: all([
                    set(
                        settings,
                        "grpo.overlong_buffer_len",
                        (settings.rollout.max_completion_length / 4).max(1),
                        "the longest replies lose reward",
                    ),
                    set(settings, "grpo.mask_truncated_completions", true, "what is cut off is not learned from"),
                    scaled_count(settings, "rollout.max_completion_length", 0.75, 16, "nothing longer is written"),
                    Some(advice("end replies at their closing fence: rollout.stop_at_fence in a new run")),
                ]),
            }))
        })
    }
}
