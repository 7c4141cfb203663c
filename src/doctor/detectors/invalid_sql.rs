//! Completions whose SQL does not run, or that have none.

use std::collections::BTreeMap;

use super::{
    CostOf, Detect, Finding, GroupScored, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled, set},
    window::{Window, above},
};

/// Share of completions without SQL that runs, and what is wrong with them.
#[derive(Debug, Default)]
pub struct InvalidSql {
    outcomes: BTreeMap<String, usize>,
    shares: Window,
}

impl Detect for InvalidSql {
    fn group(&mut self, group: &GroupScored) {
        for candidate in &group.candidates {
            *self.outcomes.entry(candidate.result.outcome.clone()).or_default() += 1;
        }
    }

    fn judge(&mut self, _done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let (outcomes, settings) = (std::mem::take(&mut self.outcomes), patient.settings);
        let all_of_them: usize = outcomes.values().sum();
        let failed = outcomes.iter().filter(|(kind, _)| *kind != "rows");
        let share = failed.clone().map(|(_, count)| count).sum::<usize>() as f64 / all_of_them as f64;
        self.shares.push(Some(share), settings.doctor.window);
        let mean = self.shares.mean()?;
        above(mean, threshold).or_else(|| {
            let most =
                failed.max_by_key(|(_, count)| **count).map(|(kind, _)| format!(", mostly {}", kind.replace('_', " ")));
            Some(Verdict::Sick(Finding {
                severity: Severity::Warning,
                certainty: self.shares.certainty(|share| share >= threshold),
                what: format!("{} of the completions have no SQL that runs{}", percent(mean), most.unwrap_or_default()),
                cost: cost(mean, CostOf::Rollouts),
                remedies: all([
                    set(settings, "rollout.constrain", "syntax", "only SQL's grammar is sampled"),
                    scaled(settings, "reward.executable", 2.0, 0.1, "a query that runs is worth something"),
                    scaled(settings, "reward.partial", 2.0, 0.3, "near misses are rewarded more"),
                    scaled(settings, "rollout.temperature", 0.8, 0.1, "cooler sampling errs less"),
                    Some(advice("fine-tune on gold queries first: sqlr1-tui sft")),
                ]),
            }))
        })
    }
}
