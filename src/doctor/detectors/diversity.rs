//! The same query over and over: a group of equal completions has nothing to compare.

use super::{
    CostOf, Detect, Finding, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled, set},
    window::{Window, below},
};
use crate::run::metrics::UNIQUE_SQL;

/// Share of queries that differ beyond the first of each group, which always does.
#[derive(Debug, Default)]
pub struct Diversity(Window);

impl Detect for Diversity {
    fn judge(&mut self, done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let settings = patient.settings;
        let one = 1.0 / settings.rollout.num_generations.max(2) as f64;
        let others = done.metrics.get(UNIQUE_SQL).map(|share| (share - one) / (1.0 - one));
        self.0.push(others, settings.doctor.window);
        let mean = self.0.mean()?;
        below(mean, threshold).or_else(|| {
            Some(Verdict::Sick(Finding {
                severity: Severity::Warning,
                certainty: self.0.certainty(|share| share < threshold),
                what: format!("of a question's queries only {} differ from its first", percent(mean.max(0.0))),
                cost: cost(1.0 - mean, CostOf::Rollouts),
                remedies: all([
                    scaled(settings, "rollout.temperature", 1.25, 1.0, "hotter sampling differs more"),
                    set(settings, "rollout.top_p", 1.0, "rare tokens are sampled too"),
                    set(settings, "rollout.min_p", 0.0, "rare tokens are sampled too"),
                    scaled(settings, "grpo.entropy_coef", 2.0, 0.001, "entropy is rewarded"),
                    Some(advice("where most questions are solved, harder ones teach more")),
                ]),
            }))
        })
    }
}
