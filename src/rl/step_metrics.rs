//! What a step's rollout tells, under TRL's names.

use std::collections::BTreeMap;

use super::{
    advantage::{Rewards, is_dead, mean, standard_deviation},
    rollout::Rollout,
};
use crate::{
    model::Completion,
    reward::Scored,
    run::metrics::{self, Metrics},
    settings::RewardSettings,
};

/// The parts of each reply's reward, in the order in which they are added up.
pub fn component_rewards(rollouts: &[Rollout], settings: &RewardSettings) -> Rewards {
    let components: Vec<_> = settings.components().collect();
    let parts = |scored: &Scored| {
        components.iter().map(|(c, _)| scored.components.get(c.name()).copied().unwrap_or(0.0)).collect()
    };
    Rewards {
        groups: rollouts.iter().map(|rollout| rollout.scored.iter().map(parts).collect()).collect(),
        weights: components.iter().map(|&(_, weight)| weight).collect(),
    }
}

/// What the rollout alone tells, under TRL's names.
pub fn reward_metrics(rollouts: &[Rollout], rewards: &[Vec<f64>]) -> Metrics {
    let mut metrics = Metrics::default();
    let all: Vec<f64> = rewards.concat();
    let scored: Vec<&Scored> = rollouts.iter().flat_map(|r| &r.scored).collect();
    metrics.set(metrics::REWARD, mean(&all));
    metrics.set(metrics::REWARD_STD, standard_deviation(&all));
    let dead = rewards.iter().filter(|r| is_dead(r)).count();
    metrics.set(metrics::DEAD_GROUPS, dead as f64 / rewards.len().max(1) as f64);
    let correct = scored.iter().filter(|s| s.correct).count();
    metrics.set(metrics::EXECUTION_ACCURACY, correct as f64 / scored.len().max(1) as f64);
    for name in scored.first().map(|s| s.components.keys().cloned().collect::<Vec<_>>()).unwrap_or_default() {
        let values: Vec<f64> = scored.iter().filter_map(|s| s.components.get(&name).copied()).collect();
        metrics.set(&format!("rewards/{name}/mean"), mean(&values));
        metrics.set(&format!("rewards/{name}/std"), standard_deviation(&values));
    }
    outcome_metrics(&scored, &mut metrics);
    length_metrics(rollouts, &mut metrics);
    metrics
}

/// How far the log-probabilities that the update starts from are from those at sampling: rounding, since both come from the
/// same weights and temperature.
pub fn sampling_metrics(rollouts: &[Rollout], logprobs: &[Vec<Vec<f32>>], metrics: &mut Metrics) {
    let pairs = rollouts.iter().zip(logprobs).flat_map(|(rollout, group)| rollout.completions.iter().zip(group));
    let tokens = pairs.flat_map(|(completion, logprobs)| completion.logprobs.iter().zip(logprobs));
    let differences: Vec<f64> = tokens.map(|(a, b)| f64::from((a - b).abs())).collect();
    metrics.set("sampling/sampling_logp_difference/mean", mean(&differences));
    metrics.set("sampling/sampling_logp_difference/max", differences.iter().copied().fold(0.0, f64::max));
}

/// The shares of completions whose SQL came to each outcome, `outcomes/rows` and so on.
fn outcome_metrics(scored: &[&Scored], metrics: &mut Metrics) {
    let mut counts = BTreeMap::<&str, usize>::new();
    for scored in scored {
        *counts.entry(&scored.result.outcome).or_default() += 1;
    }
    for (kind, count) in counts {
        metrics.set(&format!("outcomes/{kind}"), count as f64 / scored.len() as f64);
    }
}

fn length_metrics(rollouts: &[Rollout], metrics: &mut Metrics) {
    let completions: Vec<&Completion> = rollouts.iter().flat_map(|r| &r.completions).collect();
    let lengths: Vec<f64> = completions.iter().map(|c| c.tokens.len() as f64).collect();
    let terminated: Vec<f64> = completions.iter().filter(|c| c.finished).map(|c| c.tokens.len() as f64).collect();
    for (suffix, values) in [("length", &lengths), ("terminated_length", &terminated)] {
        metrics.set(&format!("completions/mean_{suffix}"), mean(values));
        metrics.set(&format!("completions/min_{suffix}"), values.iter().copied().reduce(f64::min).unwrap_or(0.0));
        metrics.set(&format!("completions/max_{suffix}"), values.iter().copied().reduce(f64::max).unwrap_or(0.0));
    }
    let clipped = (lengths.len() - terminated.len()) as f64 / lengths.len().max(1) as f64;
    metrics.set(metrics::CLIPPED_RATIO, clipped);
}
