//! The objective as settings describe it, over some of a batch's sequences.

use super::{
    Evaluated, Sequence, Totals,
    divergence::{Divergence, estimate},
    policy::{Ratios, token_losses},
};
use crate::settings::{GrpoSettings, ImportanceSampling, KlEstimator, LossType};

/// The objective's constants, under TRL's names where it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What the loss makes of ratio and advantage, and how token losses are averaged.
    pub loss_type: LossType,
    /// Whether a ratio belongs to a token or to a sequence.
    pub importance_sampling: ImportanceSampling,
    /// Weight of the KL term.
    pub beta: f64,
    /// How KL is estimated.
    pub kl_estimator: KlEstimator,
    /// Whether the KL estimate is multiplied by the ratio.
    pub use_bias_correction_kl: bool,
    /// Ratios below `1 - epsilon_low` are clipped.
    pub epsilon_low: f64,
    /// Ratios above `1 + epsilon_high` are clipped; for `cispo` the largest ratio.
    pub epsilon_high: f64,
    /// The largest ratio of the side of the surrogate that is not clipped.
    pub delta: Option<f64>,
    /// The largest loss of a token with a negative advantage, in advantages.
    pub dual_clip: Option<f64>,
    /// A sequence with a negative advantage that has become less likely by more than this, by token, is left out.
    pub off_policy_mask_threshold: Option<f64>,
    /// Temperatures of `sapo` for positive and other advantages.
    pub sapo_temperatures: [f64; 2],
    /// `k` and `lambda` of `vespo` for advantages from 0 on and for negative ones.
    pub vespo: [[f64; 2]; 2],
    /// Weight of the entropy bonus.
    pub entropy_coef: f64,
    /// Divisor of `dr_grpo`.
    pub max_completion_length: usize,
}

impl Objective {
    /// The objective that the settings describe, with the KL and entropy coefficients of the moment.
    pub fn new(grpo: &GrpoSettings, beta: f64, entropy_coef: f64, max_completion_length: usize) -> Self {
        Self {
            loss_type: grpo.loss_type,
            importance_sampling: grpo.importance_sampling_level,
            beta,
            kl_estimator: grpo.kl_estimator,
            use_bias_correction_kl: grpo.use_bias_correction_kl,
            epsilon_low: grpo.epsilon,
            epsilon_high: grpo.epsilon_high.unwrap_or(grpo.epsilon),
            delta: grpo.delta,
            dual_clip: grpo.dual_clip,
            off_policy_mask_threshold: grpo.off_policy_mask_threshold,
            sapo_temperatures: [grpo.sapo_temperature_pos, grpo.sapo_temperature_neg],
            vespo: [[grpo.vespo_k_pos, grpo.vespo_lambda_pos], [grpo.vespo_k_neg, grpo.vespo_lambda_neg]],
            entropy_coef,
            max_completion_length,
        }
    }

    /// Evaluates some sequences of a batch whose sizes are `totals`. Losses and statistics of the parts add up to the batch's.
    pub fn evaluate(&self, sequences: &[Sequence<'_>], totals: Totals) -> Evaluated {
        let mut out = Evaluated::default();
        for sequence in sequences {
            if sequence.counts {
                self.add(sequence, totals, &mut out);
            } else {
                let nothing = vec![0.0; sequence.logprobs.len()];
                if self.entropy_coef != 0.0 {
                    out.entropy_gradient.push(nothing.clone());
                }
                out.gradient.push(nothing);
            }
        }
        out
    }

    fn add(&self, sequence: &Sequence<'_>, totals: Totals, out: &mut Evaluated) {
        let ratios = Ratios::of(sequence, self.importance_sampling);
        let losses = token_losses(self, sequence, &ratios, &mut out.stats);
        let weight = self.token_weight(sequence.logprobs.len(), totals);
        let kept = self.keeps(sequence);
        let (mut by_ratio, mut gradient, mut of_entropy) = (Vec::new(), Vec::new(), Vec::new());
        for t in 0..sequence.logprobs.len() {
            let entropy = f64::from(sequence.entropies[t]);
            let uncertain = entropy >= totals.least_entropy;
            let counted = if kept && uncertain { 1.0 } else { 0.0 };
            let kl = self.divergence(sequence, t);
            let corrected = if self.use_bias_correction_kl { ratios.values[t] } else { 1.0 };
            let through_ratio = if self.use_bias_correction_kl { self.beta * kl.value } else { 0.0 };
            let loss = weight * (counted * losses.values[t] + self.beta * kl.value * corrected);
            out.stats.policy_loss += loss;
            out.loss += loss;
            out.stats.kl += kl.value * corrected;
            out.stats.entropy += entropy;
            by_ratio.push(weight * (counted * losses.by_ratio[t] + through_ratio));
            gradient.push(weight * (counted * losses.by_logprob[t] + self.beta * kl.slope * corrected));
            let bonus = self.entropy_coef / totals.uncertain_tokens.max(1) as f64;
            let bonus = if uncertain { bonus } else { 0.0 };
            out.loss -= bonus * entropy;
            of_entropy.push(-bonus as f32);
        }
        let through_ratios = ratios.backward(&by_ratio);
        out.gradient.push(gradient.iter().zip(through_ratios).map(|(a, b)| (a + b) as f32).collect());
        if self.entropy_coef != 0.0 {
            out.entropy_gradient.push(of_entropy);
        }
        out.stats.tokens += sequence.logprobs.len();
    }

    fn divergence(&self, sequence: &Sequence<'_>, t: usize) -> Divergence {
        estimate(self.kl_estimator, f64::from(sequence.logprobs[t]), f64::from(sequence.reference[t]))
    }

    /// Whether a sequence is near enough to the policy that sampled it (DeepSeek-V3.2).
    fn keeps(&self, sequence: &Sequence<'_>) -> bool {
        let (Some(threshold), Some(old)) = (self.off_policy_mask_threshold, sequence.old) else { return true };
        let gaps = old.iter().zip(sequence.logprobs).map(|(&old, &now)| f64::from(old) - f64::from(now));
        sequence.advantage >= 0.0 || gaps.sum::<f64>() / old.len().max(1) as f64 <= threshold
    }

    /// What a token's loss is multiplied by in the mean that `loss_type` asks for.
    fn token_weight(&self, length: usize, totals: Totals) -> f64 {
        let divisor = match self.loss_type {
            LossType::Grpo | LossType::Sapo => length * totals.sequences,
            LossType::Bnpo | LossType::Dapo | LossType::Cispo | LossType::Vespo => totals.tokens,
            LossType::DrGrpo => totals.sequences * self.max_completion_length,
            LossType::Luspo => totals.sequences,
        };
        1.0 / divisor.max(1) as f64
    }
}
