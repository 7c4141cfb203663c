//! Groups whose completions all have the same reward: they give no gradient.

use super::{
    CostOf, Detect, Finding, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled, scaled_count, set},
    window::{Window, above},
};
use crate::run::metrics::DEAD_GROUPS;

/// Share of groups without a difference in reward.
#[derive(Debug, Default)]
pub struct DeadGroups(Window);

impl Detect for DeadGroups {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        self.0.push(done.metrics.get(DEAD_GROUPS), patient.settings.doctor.window);
        let (mean, settings) = (self.0.mean()?, patient.settings);
        above(mean, threshold).or_else(|| {
            Some(Verdict::Sick(Finding {
                severity: if mean >= 0.99 { Severity::Critical } else { Severity::Warning },
                certainty: self.0.certainty(|share| share >= threshold),
                what: format!(
                    "in {} of the groups all completions have the same reward, and teach nothing",
                    percent(mean)
                ),
                cost: cost(mean, CostOf::Rollouts),
                remedies: all([
                    set(
                        settings,
                        "grpo.dynamic_sampling",
                        true,
                        "questions that are all right or all wrong are replaced",
                    ),
                    scaled_count(settings, "rollout.num_generations", 2.0, 4, "more completions differ more"),
                    scaled(settings, "rollout.temperature", 1.25, 0.7, "hotter sampling differs more"),
                    scaled(settings, "reward.partial", 2.0, 0.3, "near misses are told apart"),
                    Some(advice(
                        "choose questions by how often they are solved: data.curriculum pass_rate in a new run",
                    )),
                ]),
            }))
        })
    }
}
