//! The loss of one sequence's tokens without its KL term: what each loss type makes of ratio and advantage.

use std::cmp::Ordering;

use super::{
    Objective, Sequence,
    stats::{LossStats, Share},
};
use crate::settings::{ImportanceSampling, LossType};

/// Bounds of the log-ratios that `vespo` exponentiates, as TRL has them.
const VESPO_LOG_RATIO: f64 = 20.0;
const VESPO_LEAST_LOG_WEIGHT: f64 = -18.420_680_743_952_367;

/// The probability ratios of a sequence's tokens to the policy that sampled them.
pub struct Ratios {
    level: ImportanceSampling,
    /// By token, all the same at sequence level.
    pub values: Vec<f64>,
}

impl Ratios {
    /// Ratios by token, or that of the geometric mean over the sequence (GSPO).
    pub fn of(sequence: &Sequence<'_>, level: ImportanceSampling) -> Self {
        let logs = log_ratios(sequence);
        let values = match level {
            ImportanceSampling::Token => logs.iter().map(|log| log.exp()).collect(),
            ImportanceSampling::Sequence => {
                let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
                vec![mean.exp(); logs.len()]
            }
        };
        Self { level, values }
    }

    /// The gradient with respect to log-probabilities of a loss whose derivatives with respect to the ratios are given.
    pub fn backward(&self, slopes: &[f64]) -> Vec<f64> {
        let through = self.values.iter().zip(slopes).map(|(ratio, slope)| ratio * slope);
        match self.level {
            ImportanceSampling::Token => through.collect(),
            ImportanceSampling::Sequence => {
                let share = through.sum::<f64>() / self.values.len().max(1) as f64;
                vec![share; self.values.len()]
            }
        }
    }

    /// The mean of a value over tokens, or the one value of the sequence.
    fn share(&self, values: impl Iterator<Item = f64>) -> Share {
        match self.level {
            ImportanceSampling::Token => Share { sum: values.sum(), count: self.values.len() },
            ImportanceSampling::Sequence => Share { sum: values.take(1).sum(), count: 1 },
        }
    }
}

fn log_ratios(sequence: &Sequence<'_>) -> Vec<f64> {
    let now = sequence.logprobs.iter().map(|&logprob| f64::from(logprob));
    match sequence.old {
        Some(old) => now.zip(old).map(|(logprob, &old)| logprob - f64::from(old)).collect(),
        None => vec![0.0; sequence.logprobs.len()],
    }
}

/// Losses by token, with their derivatives.
#[derive(Debug, Default)]
pub struct TokenLosses {
    /// The losses.
    pub values: Vec<f64>,
    /// Their derivatives with respect to the ratios.
    pub by_ratio: Vec<f64>,
    /// Their derivatives with respect to the log-probabilities, other than through the ratios.
    pub by_logprob: Vec<f64>,
}

impl TokenLosses {
    fn push(&mut self, value: f64, by_ratio: f64, by_logprob: f64) {
        self.values.push(value);
        self.by_ratio.push(by_ratio);
        self.by_logprob.push(by_logprob);
    }
}

/// The losses of a sequence's tokens.
pub fn token_losses(
    objective: &Objective,
    sequence: &Sequence<'_>,
    ratios: &Ratios,
    stats: &mut LossStats,
) -> TokenLosses {
    match objective.loss_type {
        LossType::Cispo => truncated(objective, sequence, ratios, stats),
        LossType::Sapo => soft(objective, sequence, ratios),
        LossType::Vespo => gamma_weighted(objective, sequence, stats),
        LossType::Grpo | LossType::Bnpo | LossType::Dapo | LossType::DrGrpo | LossType::Luspo => {
            clipped(objective, sequence, ratios, stats)
        }
    }
}

/// PPO's clipped surrogate, with TRL's upper bound `delta` (INTELLECT-2) and verl's lower bound for negative advantages (dual clip).
fn clipped(objective: &Objective, sequence: &Sequence<'_>, ratios: &Ratios, stats: &mut LossStats) -> TokenLosses {
    let (least, most) = (1.0 - objective.epsilon_low, 1.0 + objective.epsilon_high);
    let (advantage, mut losses) = (sequence.advantage, TokenLosses::default());
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for &ratio in &ratios.values {
        let bounded = objective.delta.map_or(ratio, |delta| ratio.min(delta));
        let plain = (bounded * advantage, if bounded < ratio { 0.0 } else { advantage });
        let within = (least..=most).contains(&ratio);
        let clipped = (ratio.clamp(least, most) * advantage, if within { advantage } else { 0.0 });
        // Where both are the same, PyTorch's minimum gives half of the gradient to each.
        let (value, slope) = match plain.0.partial_cmp(&clipped.0) {
            Some(Ordering::Equal) => (plain.0, f64::midpoint(plain.1, clipped.1)),
            Some(Ordering::Less) => plain,
            _ => clipped,
        };
        let worst = objective.dual_clip.filter(|_| advantage < 0.0).map(|bound| bound * advantage);
        match worst {
            Some(worst) if value < worst => losses.push(-worst, 0.0, 0.0),
            _ => losses.push(-value, -slope, 0.0),
        }
        low.push(f64::from(u8::from(bounded < least && advantage < 0.0)));
        high.push(f64::from(u8::from(bounded > most && advantage > 0.0)));
    }
    let shares = [ratios.share(low.into_iter()), ratios.share(high.into_iter())];
    let told = stats.clipped.get_or_insert_default();
    told.low.add(shares[0]);
    told.high.add(shares[1]);
    told.by_sequence.push(shares.map(|share| share.sum / share.count.max(1) as f64));
    losses
}

/// `cispo` (MiniMax-M1): the ratio, cut off above, is a weight that no gradient goes through.
fn truncated(objective: &Objective, sequence: &Sequence<'_>, ratios: &Ratios, stats: &mut LossStats) -> TokenLosses {
    let (advantage, mut losses) = (sequence.advantage, TokenLosses::default());
    for (&ratio, &logprob) in ratios.values.iter().zip(sequence.logprobs) {
        let weight = -ratio.min(objective.epsilon_high) * advantage;
        losses.push(weight * f64::from(logprob), 0.0, weight);
    }
    let cut_off = |&ratio: &f64| f64::from(u8::from(ratio > objective.epsilon_high && advantage > 0.0));
    stats.cut_off.get_or_insert_default().add(ratios.share(ratios.values.iter().map(cut_off)));
    losses
}

/// `sapo`: a sigmoid in place of the clip.
fn soft(objective: &Objective, sequence: &Sequence<'_>, ratios: &Ratios) -> TokenLosses {
    let (advantage, mut losses) = (sequence.advantage, TokenLosses::default());
    let [positive, negative] = objective.sapo_temperatures;
    let temperature = if advantage > 0.0 { positive } else { negative };
    for ratio in &ratios.values {
        let gate = 1.0 / (1.0 + (-temperature * (ratio - 1.0)).exp());
        losses.push(-4.0 / temperature * gate * advantage, -4.0 * gate * (1.0 - gate) * advantage, 0.0);
    }
    losses
}

/// `vespo`: a weight for the whole sequence, a gamma density of the product of its ratios, that no gradient goes through.
fn gamma_weighted(objective: &Objective, sequence: &Sequence<'_>, stats: &mut LossStats) -> TokenLosses {
    let (advantage, mut losses) = (sequence.advantage, TokenLosses::default());
    let logs = log_ratios(sequence).into_iter().map(|log| log.clamp(-VESPO_LOG_RATIO, VESPO_LOG_RATIO));
    let log_weight = logs.sum::<f64>().clamp(VESPO_LEAST_LOG_WEIGHT, VESPO_LOG_RATIO);
    let [shape, rate] = objective.vespo[usize::from(advantage < 0.0)];
    let rate = rate.max(1e-4);
    let phi = (rate + shape * log_weight - rate * log_weight.exp()).exp();
    let phi = if phi.is_finite() { phi } else { 0.0 };
    for &logprob in sequence.logprobs {
        losses.push(-phi * advantage * f64::from(logprob), 0.0, -phi * advantage);
    }
    stats.phi.get_or_insert_default().add(Share { sum: phi, count: 1 });
    losses
}
