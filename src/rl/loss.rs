//! The clipped GRPO objective with a k3 KL term, its value and its gradient with respect to the log-probabilities.
//!
//! Formulas and names as in TRL's `GRPOTrainer` with importance sampling by token. Everything is ragged: a sequence is as long
//! as its completion.

use crate::settings::{GrpoSettings, LossType};

/// The objective's constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// How token losses are averaged.
    pub loss_type: LossType,
    /// Weight of the KL term.
    pub beta: f64,
    /// Ratios below `1 - epsilon_low` are clipped.
    pub epsilon_low: f64,
    /// Ratios above `1 + epsilon_high` are clipped.
    pub epsilon_high: f64,
    /// Divisor of `dr_grpo`.
    pub max_completion_length: usize,
}

/// One completion, by token.
#[derive(Debug, Clone, Copy)]
pub struct Sequence<'a> {
    /// Log-probabilities under the policy being trained.
    pub logprobs: &'a [f32],
    /// Log-probabilities under the policy that sampled; `None` on the first update after a rollout, where the two are one.
    pub old: Option<&'a [f32]>,
    /// Log-probabilities under the reference policy.
    pub reference: &'a [f32],
    /// Entropies of the next-token distributions.
    pub entropies: &'a [f32],
    /// The completion's advantage.
    pub advantage: f64,
}

/// Sizes of the batch that is averaged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Completions.
    pub sequences: usize,
    /// Completion tokens.
    pub tokens: usize,
}

/// Value, gradient and statistics over some of a batch's sequences.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluated {
    /// This part's share of the batch's loss.
    pub loss: f64,
    /// Gradient with respect to each log-probability.
    pub gradient: Vec<Vec<f32>>,
    /// Statistics.
    pub stats: LossStats,
}

/// Sums from which the metrics of a batch are made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LossStats {
    /// Tokens counted.
    pub tokens: usize,
    /// Sum of the KL estimates.
    pub kl: f64,
    /// Sum of the entropies.
    pub entropy: f64,
    /// Tokens clipped from below (negative advantage), by sequence, as shares.
    pub low: Vec<f64>,
    /// Tokens clipped from above (positive advantage), by sequence, as shares.
    pub high: Vec<f64>,
    /// Tokens clipped from below.
    pub low_tokens: usize,
    /// Tokens clipped from above.
    pub high_tokens: usize,
}

impl LossStats {
    /// Adds another part of the batch.
    pub fn merge(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.kl += other.kl;
        self.entropy += other.entropy;
        self.low.extend(other.low);
        self.high.extend(other.high);
        self.low_tokens += other.low_tokens;
        self.high_tokens += other.high_tokens;
    }

    /// The metrics under TRL's names.
    pub fn metrics(&self) -> [(&'static str, f64); 7] {
        let by_token = |sum: f64| sum / self.tokens.max(1) as f64;
        [
            ("kl", by_token(self.kl)),
            ("entropy", by_token(self.entropy)),
            ("clip_ratio/low_mean", by_token(self.low_tokens as f64)),
            ("clip_ratio/low_min", self.low.iter().copied().reduce(f64::min).unwrap_or(0.0)),
            ("clip_ratio/high_mean", by_token(self.high_tokens as f64)),
            ("clip_ratio/high_max", self.high.iter().copied().reduce(f64::max).unwrap_or(0.0)),
            ("clip_ratio/region_mean", by_token((self.low_tokens + self.high_tokens) as f64)),
        ]
    }
}

impl Objective {
    /// The objective that the settings describe.
    pub fn new(grpo: &GrpoSettings, max_completion_length: usize) -> Self {
        Self {
            loss_type: grpo.loss_type,
            beta: grpo.beta,
            epsilon_low: grpo.epsilon,
            epsilon_high: grpo.epsilon_high.unwrap_or(grpo.epsilon),
            max_completion_length,
        }
    }

    /// Evaluates some sequences of a batch whose sizes are `totals`. Losses and statistics of the parts add up to the batch's.
    pub fn evaluate(&self, sequences: &[Sequence<'_>], totals: Totals) -> Evaluated {
        let mut out = Evaluated::default();
        for sequence in sequences {
            let weight = self.token_weight(sequence.logprobs.len(), totals);
            let (mut gradient, mut low, mut high) = (Vec::with_capacity(sequence.logprobs.len()), 0, 0);
            for t in 0..sequence.logprobs.len() {
                let token = self.token(sequence, t);
                out.loss += weight * (token.policy + self.beta * token.kl);
                out.stats.kl += token.kl;
                out.stats.entropy += f64::from(sequence.entropies[t]);
                low += usize::from(token.clipped_low);
                high += usize::from(token.clipped_high);
                gradient.push((weight * token.gradient) as f32);
            }
            out.stats.tokens += gradient.len();
            out.stats.low_tokens += low;
            out.stats.high_tokens += high;
            out.stats.low.push(low as f64 / gradient.len().max(1) as f64);
            out.stats.high.push(high as f64 / gradient.len().max(1) as f64);
            out.gradient.push(gradient);
        }
        out
    }

    /// What a token's loss is multiplied by in the mean that `loss_type` asks for.
    fn token_weight(&self, length: usize, totals: Totals) -> f64 {
        let divisor = match self.loss_type {
            LossType::Grpo => length * totals.sequences,
            LossType::Bnpo | LossType::Dapo => totals.tokens,
            LossType::DrGrpo => totals.sequences * self.max_completion_length,
        };
        1.0 / divisor.max(1) as f64
    }

    fn token(&self, sequence: &Sequence<'_>, t: usize) -> Token {
        let logprob = f64::from(sequence.logprobs[t]);
        let ratio = sequence.old.map_or(1.0, |old| (logprob - f64::from(old[t])).exp());
        let advantage = sequence.advantage;
        let plain = ratio * advantage;
        let clipped = ratio.clamp(1.0 - self.epsilon_low, 1.0 + self.epsilon_high) * advantage;
        let from_reference = f64::from(sequence.reference[t]) - logprob;
        let kl = from_reference.exp() - from_reference - 1.0;
        let policy_gradient = if plain <= clipped { -plain } else { 0.0 };
        Token {
            policy: -plain.min(clipped),
            kl,
            gradient: policy_gradient + self.beta * (1.0 - from_reference.exp()),
            clipped_low: ratio < 1.0 - self.epsilon_low && advantage < 0.0,
            clipped_high: ratio > 1.0 + self.epsilon_high && advantage > 0.0,
        }
    }
}

struct Token {
    policy: f64,
    kl: f64,
    gradient: f64,
    clipped_low: bool,
    clipped_high: bool,
}

#[cfg(test)]
#[path = "loss_tests.rs"]
mod tests;
