//! Completions without any reward: there is nothing to learn from.

use super::{
    CostOf, Detect, Finding, GroupScored, Patient, Severity, StepDone, Verdict, cost, percent,
    remedies::{advice, all, scaled},
    window::{Window, above},
};

/// Share of completions without any reward.
#[derive(Debug, Default)]
pub struct ZeroRewards {
    step: [usize; 2],
    shares: Window,
}

impl Detect for ZeroRewards {
    fn group(&mut self, group: &GroupScored) {
        self.step[0] += group.candidates.iter().filter(|candidate| candidate.reward <= 0.0).count();
        self.step[1] += group.candidates.len();
    }

    fn judge(&mut self, _done: &StepDone, patient: &Patient<'_>, threshold: f64) -> Option<Verdict> {
        let [none, all_of_them] = std::mem::take(&mut self.step);
        let share = (all_of_them > 0).then(|| none as f64 / all_of_them as f64);
        self.shares.push(share, patient.settings.doctor.window);
        let mean = self.shares.mean()?;
        above(mean, threshold).or_else(|| {
            let settings = patient.settings;
            Some(Verdict::Sick(Finding {
                severity: Severity::Critical,
                certainty: self.shares.certainty(|share| share >= threshold),
                what: format!("{} of the completions have no reward: the model hears only that it is wrong", percent(mean)),
                cost: cost(mean, CostOf::Rollouts),
                remedies: all([
                    scaled(settings, "reward.partial", 2.0, 0.3, "near misses are rewarded more"),
                    scaled(settings, "reward.executable", 2.0, 0.1, "a query that runs is worth something"),
                    Some(advice("fine-tune on gold queries first: sqlr1-tui sft, or stages sft and grpo (configs/sft-then-grpo.yaml)")),
                    Some(advice("begin with easy questions: data.curriculum hardness or pass_rate in a new run")),
                ]),
            }))
        })
    }
}
