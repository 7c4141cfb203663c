//! Memory that is nearly all used.

use super::{
    Detect, Finding, Patient, Severity, StepDone, Verdict, percent,
    remedies::{advice, all, scaled_count},
    window::{Window, above},
};
use crate::run::metrics::{MEMORY_BYTES, PEAK_MEMORY};

/// The most memory in use within a step, as a share of what there is.
#[derive(Debug, Default)]
pub struct Memory(Window);

impl Detect for Memory {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        let limit = settings.memory.limit.map(|limit| limit.0);
        let there = limit.into_iter().chain(patient.memory).min().filter(|there| *there > 0)? as f64;
        let metrics = &done.metrics;
        let used = metrics.get(PEAK_MEMORY).into_iter().chain(metrics.get(MEMORY_BYTES)).fold(f64::NAN, f64::max);
        self.0.push(Some(used / there), settings.doctor.window);
        let share = self.0.mean()?;
        above(share, threshold).or_else(|| {
            let (gib, of) = (there / f64::from(1 << 30), if limit.is_some() { "memory.limit" } else { "the memory" });
            Some(Verdict::Sick(Finding {
                severity: if share >= 1.0 { Severity::Critical } else { Severity::Warning },
                certainty: self.0.certainty(|share| share >= threshold),
                what: format!("steps take {} of {of}, {gib:.1} GiB", percent(share)),
                cost: None,
                remedies: all([
                    scaled_count(settings, "rollout.num_generations", 0.5, 2, "fewer completions"),
                    scaled_count(settings, "rollout.max_completion_length", 0.75, 16, "shorter completions"),
                    Some(advice(
                        "a lower lora.r, more optim.gradient_accumulation_steps, or a smaller model in a new run",
                    )),
                    Some(advice("memory.limit lets a run do without something by itself when it comes near it")),
                ]),
            }))
        })
    }
}
