//! The policy-gradient objectives of TRL's `GRPOTrainer` and of those who extend it: value, statistics, and gradient with respect to
//! log-probabilities and entropies.
//!
//! Formulas and names as in TRL 1.16 (methods.md 3.2). Everything is ragged: a sequence is as long as its completion. A batch may be
//! evaluated in parts: what a part must know of the whole is in [`Totals`].

mod divergence;
mod objective;
mod policy;
mod stats;

pub use objective::Objective;
pub use stats::LossStats;

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
    /// Whether the completion counts; one that was cut off does not where `mask_truncated_completions` is set.
    pub counts: bool,
}

/// Sizes of the batch that is averaged over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Completions, those that do not count included.
    pub sequences: usize,
    /// Tokens of completions that count.
    pub tokens: usize,
    /// Tokens below this entropy get no policy gradient and no entropy bonus.
    pub least_entropy: f64,
    /// Tokens of completions that count with at least that entropy.
    pub uncertain_tokens: usize,
}

impl Totals {
    /// Totals of a batch of which all tokens get policy gradients.
    pub fn whole(sequences: usize, tokens: usize) -> Self {
        Self { sequences, tokens, least_entropy: f64::NEG_INFINITY, uncertain_tokens: tokens }
    }

    /// Totals of a batch given by the entropies of the completions that count, and the number of all completions.
    /// `top_entropy_quantile` is the share of tokens with the highest entropy that gets policy gradients (Wang et al. 2025,
    /// arXiv 2506.01939); 1 is all.
    pub fn new(sequences: usize, entropies: &[&[f32]], top_entropy_quantile: f64) -> Self {
        let mut all: Vec<f32> = entropies.iter().flat_map(|e| e.iter().copied()).collect();
        let tokens = all.len();
        if top_entropy_quantile >= 1.0 {
            return Self::whole(sequences, tokens);
        }
        all.sort_unstable_by(f32::total_cmp);
        let least_entropy = quantile(&all, 1.0 - top_entropy_quantile);
        let uncertain_tokens = all.iter().filter(|&&entropy| f64::from(entropy) >= least_entropy).count();
        Self { sequences, tokens, least_entropy, uncertain_tokens }
    }
}

/// The quantile of sorted values, interpolated between neighbours, as `torch.quantile` has it; infinite for no values.
fn quantile(sorted: &[f32], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::INFINITY };
    let at = share * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // In single precision, so that a token that is the quantile itself is not below it.
    f64::from(below + (above - below) * at.fract() as f32)
}

/// Value, gradient and statistics over some of a batch's sequences.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluated {
    /// This part's share of the batch's loss.
    pub loss: f64,
    /// Gradient with respect to each log-probability.
    pub gradient: Vec<Vec<f32>>,
    /// Gradient with respect to each entropy; empty where there is no entropy bonus.
    pub entropy_gradient: Vec<Vec<f32>>,
    /// Statistics.
    pub stats: LossStats,
}

#[cfg(test)]
mod tests;
