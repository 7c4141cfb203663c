//! What a step's rollout tells, under TRL's names.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    overlong::{OVERLONG, Overlong},
    rollout::Rollout,
};
use crate::{
    model::Completion,
    reward::Scored,
    reward::advantage::{Rewards, is_dead, mean, standard_deviation},
    run::metrics::{self, Metrics},
    settings::Settings,
};

/// The parts of each reply's reward, in the order in which they are added up.
pub fn component_rewards<'a>(rollouts: impl Iterator<Item = &'a Rollout>, settings: &Settings) -> Rewards {
    let own = settings.reward.components().map(|(component, weight)| (component.name(), weight));
    let components: Vec<_> = own.chain(Overlong::of(settings).map(|o| (OVERLONG, o.factor))).collect();
    let parts = |scored: &Scored| {
        components.iter().map(|&(name, _)| scored.components.get(name).copied().unwrap_or(0.0)).collect()
    };
    Rewards {
        groups: rollouts.map(|rollout| rollout.scored.iter().map(parts).collect()).collect(),
        weights: components.iter().map(|&(_, weight)| weight).collect(),
    }
}

/// What everything that was generated tells, under TRL's names.
pub fn reward_metrics(rollouts: &[Rollout]) -> Metrics {
    let mut metrics = Metrics::default();
    let rewards: Vec<Vec<f64>> = rollouts.iter().map(Rollout::rewards).collect();
    let all: Vec<f64> = rewards.concat();
    let scored: Vec<&Scored> = rollouts.iter().flat_map(|r| &r.scored).collect();
    metrics.set(metrics::REWARD, mean(&all));
    metrics.set(metrics::REWARD_STD, standard_deviation(&all));
    let dead = rewards.iter().filter(|r| is_dead(r)).count();
    metrics.set(metrics::DEAD_GROUPS, dead as f64 / rewards.len().max(1) as f64);
    let solved: Vec<f64> = rollouts.iter().map(|rollout| rollout.solved() as f64).collect();
    metrics.set(metrics::EXECUTION_ACCURACY, solved.iter().sum::<f64>() / scored.len().max(1) as f64);
    metrics.set(metrics::PASS_AT_K, mean(&solved.iter().map(|solved| solved.min(1.0)).collect::<Vec<_>>()));
    metrics.set(metrics::UNIQUE_SQL, mean(&rollouts.iter().map(unique_sql).collect::<Vec<_>>()));
    for name in scored.first().map(|s| s.components.keys().cloned().collect::<Vec<_>>()).unwrap_or_default() {
        let values: Vec<f64> = scored.iter().filter_map(|s| s.components.get(&name).copied()).collect();
        metrics.set(&format!("rewards/{name}/mean"), mean(&values));
        metrics.set(&format!("rewards/{name}/std"), standard_deviation(&values));
    }
    outcome_metrics(&scored, &mut metrics);
    length_metrics(rollouts, &mut metrics);
    constraint_metrics(rollouts, &mut metrics);
    metrics
}

/// The share of a group's completions whose SQL is another than that of those before, but for spaces and letter case.
fn unique_sql(rollout: &Rollout) -> f64 {
    let plain = |scored: &Scored| scored.sql.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let different: BTreeSet<String> = rollout.scored.iter().map(plain).collect();
    different.len() as f64 / rollout.scored.len().max(1) as f64
}

/// How far the log-probabilities that the update starts from are from those at sampling: rounding, since both come from the
/// same weights and temperature.
pub fn sampling_metrics<'a>(
    rollouts: impl Iterator<Item = &'a Rollout>,
    logprobs: &[Vec<Vec<f32>>],
    metrics: &mut Metrics,
) {
    let pairs = rollouts.zip(logprobs).flat_map(|(rollout, group)| rollout.completions.iter().zip(group));
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

/// Where replies are constrained: the share of tokens for which the model would have written something else, and the number of tokens for
/// which nothing was allowed.
fn constraint_metrics(rollouts: &[Rollout], metrics: &mut Metrics) {
    if rollouts.iter().any(|rollout| rollout.prompt.constraint.is_some()) {
        let sum = |of: fn(&Completion) -> usize| rollouts.iter().flat_map(|r| &r.completions).map(of).sum::<usize>();
        let tokens = sum(Completion::written).max(1);
        metrics.set("constrain/refused", sum(|c| c.refused) as f64 / tokens as f64);
        metrics.set("constrain/stuck", sum(|c| c.stuck) as f64);
    }
}

/// How often the model was told what came of its query, and what its last reply made of that.
pub fn turn_metrics(rollouts: &[Rollout], metrics: &mut Metrics) {
    let replies: Vec<_> = rollouts.iter().flat_map(|r| r.scored.iter().zip(&r.earlier)).collect();
    let turns: Vec<f64> = replies.iter().map(|(_, earlier)| (1 + earlier.len()) as f64).collect();
    metrics.set(metrics::MEAN_TURNS, mean(&turns));
    let verdicts: Vec<(bool, bool)> =
        replies.iter().filter_map(|(last, earlier)| Some((earlier.first()?.judged.correct, last.correct))).collect();
    if !verdicts.is_empty() {
        let share =
            |of: (bool, bool)| verdicts.iter().filter(|verdict| **verdict == of).count() as f64 / verdicts.len() as f64;
        metrics.set(metrics::CORRECTED, share((false, true)));
        metrics.set(metrics::SPOILT, share((true, false)));
    }
}

fn length_metrics(rollouts: &[Rollout], metrics: &mut Metrics) {
    let completions: Vec<&Completion> = rollouts.iter().flat_map(|r| &r.completions).collect();
    let lengths: Vec<f64> = completions.iter().map(|c| c.written() as f64).collect();
    let terminated: Vec<f64> = completions.iter().filter(|c| c.finished).map(|c| c.written() as f64).collect();
    for (suffix, values) in [("length", &lengths), ("terminated_length", &terminated)] {
        metrics.set(&format!("completions/mean_{suffix}"), mean(values));
        metrics.set(&format!("completions/min_{suffix}"), values.iter().copied().reduce(f64::min).unwrap_or(0.0));
        metrics.set(&format!("completions/max_{suffix}"), values.iter().copied().reduce(f64::max).unwrap_or(0.0));
    }
    let clipped = (lengths.len() - terminated.len()) as f64 / lengths.len().max(1) as f64;
    metrics.set(metrics::CLIPPED_RATIO, clipped);
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "shares of few are exact")]
mod tests {
    use super::*;
    use crate::rl::{correction::Earlier, testing::rollout};

    #[test]
    fn a_question_counts_as_passed_if_any_of_its_replies_is_right() {
        let all = [
            rollout(&[1.0, 0.0, 0.0, 0.0], &[true, false, false, false]),
            rollout(&[0.3, 0.0, 0.0, 0.0], &[false; 4]),
            rollout(&[1.0; 4], &[true; 4]),
            rollout(&[0.0; 4], &[false; 4]),
        ];
        let metrics = reward_metrics(&all);
        assert_eq!(metrics.get(metrics::PASS_AT_K), Some(0.5));
        assert_eq!(metrics.get(metrics::EXECUTION_ACCURACY), Some(5.0 / 16.0));
        assert_eq!(metrics.get(metrics::DEAD_GROUPS), Some(0.5));
    }

    #[test]
    fn shares_of_turns_are_of_the_replies_with_feedback() {
        let mut some = rollout(&[1.0, 0.0, 0.0, 0.0], &[true, false, false, true]);
        let before = |judged: &Scored, correct: bool| Earlier {
            text: String::new(),
            judged: Scored { correct, ..judged.clone() },
            feedback: String::new(),
        };
        let judged = some.scored[0].clone();
        some.earlier[0] = vec![before(&judged, false), before(&judged, false)];
        some.earlier[1] = vec![before(&judged, true)];
        some.earlier[2] = vec![before(&judged, false)];
        some.completions[0].given.push(0..1);
        let some = [some];
        let mut metrics = reward_metrics(&some);
        assert_eq!(metrics.get("completions/min_length"), Some(0.0), "what the model was given is no length");
        turn_metrics(&some, &mut metrics);
        assert_eq!(metrics.get(metrics::MEAN_TURNS), Some(2.0));
        assert_eq!((metrics.get(metrics::CORRECTED), metrics.get(metrics::SPOILT)), (Some(1.0 / 3.0), Some(1.0 / 3.0)));
        let mut none = Metrics::default();
        turn_metrics(&[rollout(&[0.0], &[false])], &mut none);
        assert_eq!((none.get(metrics::MEAN_TURNS), none.get(metrics::CORRECTED)), (Some(1.0), None));
    }

    #[test]
    fn spelling_makes_no_query_another() {
        let mut some = rollout(&[0.0; 4], &[false; 4]);
        assert_eq!(unique_sql(&some), 1.0);
        some.scored[1].sql = "select   0".into();
        some.scored[2].sql = "SELECT 0".into();
        assert_eq!(unique_sql(&some), 0.5);
    }
}
