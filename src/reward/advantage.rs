//! Group-relative advantages (`DeepSeekMath`, arXiv 2402.03300), as TRL computes them.

use crate::settings::{Aggregation, GrpoSettings, ScaleRewards};

/// Added to the standard deviation, as in TRL.
const EPSILON: f64 = 1e-4;

/// Components of each completion's reward by group, in any fixed order, and what each of them weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewards {
    /// By group, completion and component, without weights.
    pub groups: Vec<Vec<Vec<f64>>>,
    /// By component.
    pub weights: Vec<f64>,
}

impl Rewards {
    /// Rewards without parts.
    pub fn whole(groups: &[Vec<f64>]) -> Self {
        let parts = |rewards: &Vec<f64>| rewards.iter().map(|&reward| vec![reward]).collect();
        Self { groups: groups.iter().map(parts).collect(), weights: vec![1.0] }
    }

    /// The weighted sum of a completion's components.
    fn total(&self, components: &[f64]) -> f64 {
        components.iter().zip(&self.weights).map(|(reward, weight)| reward * weight).sum()
    }

    /// Advantages by group, as the settings ask for.
    pub fn advantages(&self, settings: &GrpoSettings) -> Vec<Vec<f64>> {
        let mut advantages = match settings.multi_objective_aggregation {
            Aggregation::SumThenNormalize => {
                let totals: Vec<Vec<f64>> =
                    self.groups.iter().map(|group| group.iter().map(|c| self.total(c)).collect()).collect();
                advantages(&totals, settings.scale_rewards)
            }
            Aggregation::NormalizeThenSum => self.normalized_then_added(),
        };
        if let Some(bound) = settings.advantage_clip {
            advantages.iter_mut().flatten().for_each(|advantage| *advantage = advantage.clamp(-bound, bound));
        }
        advantages
    }

    /// Each component as a score within its group, their weighted sum as a score within the batch (GDPO).
    fn normalized_then_added(&self) -> Vec<Vec<f64>> {
        let of_group = |group: &Vec<Vec<f64>>| -> Vec<f64> {
            let column = |k: usize| group.iter().map(|components| components[k]).collect::<Vec<_>>();
            let scores: Vec<Vec<f64>> = (0..self.weights.len()).map(|k| normalized(&column(k))).collect();
            (0..group.len()).map(|i| self.total(&scores.iter().map(|score| score[i]).collect::<Vec<_>>())).collect()
        };
        let sums: Vec<Vec<f64>> = self.groups.iter().map(of_group).collect();
        let mut scores = normalized(&sums.concat()).into_iter();
        sums.iter().map(|group| scores.by_ref().take(group.len()).collect()).collect()
    }
}

/// Values less their mean, by their standard deviation.
fn normalized(values: &[f64]) -> Vec<f64> {
    let (mean, deviation) = (mean(values), standard_deviation(values));
    values.iter().map(|value| (value - mean) / (deviation + EPSILON)).collect()
}

/// Advantages of groups of total rewards: each reward less its group's mean, divided as `scale` says.
fn advantages(groups: &[Vec<f64>], scale: ScaleRewards) -> Vec<Vec<f64>> {
    let all: Vec<f64> = groups.iter().flatten().copied().collect();
    let of_batch = standard_deviation(&all);
    let of_group = |rewards: &[f64]| {
        let mean = mean(rewards);
        let divisor = match scale {
            ScaleRewards::Group => standard_deviation(rewards) + EPSILON,
            ScaleRewards::Batch => of_batch + EPSILON,
            ScaleRewards::None => 1.0,
        };
        rewards.iter().map(|r| (r - mean) / divisor).collect()
    };
    groups.iter().map(|rewards| of_group(rewards)).collect()
}

/// Whether all rewards are the same, so that the group gives no gradient.
pub fn is_dead(rewards: &[f64]) -> bool {
    standard_deviation(rewards) < 1e-8
}

/// Arithmetic mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Standard deviation with Bessel's correction; 0 of fewer than two values.
pub fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is only chosen or cut off is exact")]
mod tests {
    use super::*;
    use crate::model::golden;
    use proptest::prelude::*;

    fn floats(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    #[test]
    fn golden_advantages_are_trls() {
        let Some(lines) = golden::lines("advantages.jsonl") else { return };
        for line in &lines {
            let size = line["num_generations"].as_u64().unwrap() as usize;
            let rewards: Vec<Vec<f64>> = line["rewards"].as_array().unwrap().iter().map(floats).collect();
            let groups = rewards.chunks(size).map(<[Vec<f64>]>::to_vec).collect();
            let rewards = Rewards { groups, weights: floats(&line["reward_weights"]) };
            let settings = GrpoSettings {
                scale_rewards: serde_json::from_value(line["scale_rewards"].clone()).unwrap(),
                multi_objective_aggregation: serde_json::from_value(line["multi_objective_aggregation"].clone())
                    .unwrap(),
                ..GrpoSettings::default()
            };
            let found = rewards.advantages(&settings).concat();
            let expected = floats(&line["advantages"]);
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-6, "{a} is not {b}: {settings:?}");
            }
        }
        assert!(!lines.is_empty());
    }

    #[test]
    fn advantages_are_cut_off_where_asked() {
        let rewards = Rewards::whole(&[vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0]]);
        let clipped =
            |bound| rewards.advantages(&GrpoSettings { advantage_clip: bound, ..GrpoSettings::default() }).concat();
        assert!(clipped(None)[7] > 2.0);
        assert_eq!(clipped(Some(1.5))[7], 1.5);
        assert_eq!(clipped(Some(1.5))[0], clipped(None)[0]);
    }

    proptest! {
        #[test]
        fn advantages_sum_to_zero_within_a_group(rewards in prop::collection::vec(-3.0..3.0_f64, 2..20)) {
            for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
                let sum: f64 = advantages(&[rewards.clone(), vec![0.0, 1.0]], scale)[0].iter().sum();
                prop_assert!(sum.abs() < 1e-6, "{sum}");
            }
        }
    }

    #[test]
    fn a_group_without_spread_is_dead_and_has_no_advantage() {
        assert!(is_dead(&[0.3; 4]) && !is_dead(&[0.3, 0.4]));
        assert_eq!(advantages(&[vec![0.3; 4]], ScaleRewards::Group)[0], vec![0.0; 4]);
    }
}
