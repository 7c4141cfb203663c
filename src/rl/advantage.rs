//! Group-relative advantages (`DeepSeekMath`, arXiv 2402.03300), as TRL computes them.

use crate::settings::ScaleRewards;

/// Added to the standard deviation, as in TRL.
const EPSILON: f64 = 1e-4;

/// Advantages of groups of total rewards: each reward less its group's mean, divided as `scale` says.
pub fn advantages(groups: &[Vec<f64>], scale: ScaleRewards) -> Vec<Vec<f64>> {
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
mod tests {
    use super::*;
    use crate::rl::testing::golden_lines;
    use proptest::prelude::*;

    fn floats(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    #[test]
    fn golden_advantages_are_trls() {
        let Some(lines) = golden_lines("advantages.jsonl") else { return };
        let mut checked = 0;
        for line in lines.iter().filter(|l| l["multi_objective_aggregation"] == "sum_then_normalize") {
            let weights = floats(&line["reward_weights"]);
            let total = |r: &serde_json::Value| floats(r).iter().zip(&weights).map(|(r, w)| r * w).sum::<f64>();
            let totals: Vec<f64> = line["rewards"].as_array().unwrap().iter().map(total).collect();
            let size = line["num_generations"].as_u64().unwrap() as usize;
            let groups: Vec<_> = totals.chunks(size).map(<[f64]>::to_vec).collect();
            let scale = serde_json::from_value(line["scale_rewards"].clone()).unwrap();
            let found = advantages(&groups, scale).concat();
            for (a, b) in found.iter().zip(floats(&line["advantages"])) {
                assert!((a - b).abs() < 1e-6, "{a} is not {b}");
            }
            checked += 1;
        }
        assert!(checked > 0, "no case was checked");
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
