//! `grpo`: the objective, under TRL's names where it has them.

use serde::{Deserialize, Serialize};

/// `grpo`: the objective, under TRL's names where it has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "TRL's options, each independent of the others")]
pub struct GrpoSettings {
    /// Weight of the KL term. KL is measured and shown at 0 too.
    pub beta: f64,
    /// KL that `beta` is steered to; absent leaves `beta` as it is.
    pub kl_target: Option<f64>,
    /// Completions in which `beta` changes by at most a fifth.
    pub kl_horizon: f64,
    /// How KL is estimated.
    pub kl_estimator: KlEstimator,
    /// Multiply the KL estimate by the probability ratio.
    pub use_bias_correction_kl: bool,
    /// Lower clipping range of the probability ratio.
    pub epsilon: f64,
    /// Upper clipping range, for `cispo` the largest ratio; `epsilon` if absent.
    pub epsilon_high: Option<f64>,
    /// Largest ratio on the side that is not clipped; absent is off.
    pub delta: Option<f64>,
    /// Largest loss of a token with a negative advantage, in advantages; absent is off.
    pub dual_clip: Option<f64>,
    /// The loss of a token, and how token losses are averaged.
    pub loss_type: LossType,
    /// Whether a ratio belongs to a token or to a sequence (GSPO).
    pub importance_sampling_level: ImportanceSampling,
    /// Leave out what has a negative advantage and has become less likely by more than this, by token; absent is off.
    pub off_policy_mask_threshold: Option<f64>,
    /// Share of tokens, those with the highest entropy, that get policy gradients; 1 is all.
    pub top_entropy_quantile: f64,
    /// Weight of the entropy bonus; 0 is off. Where it is adaptive, what it starts with.
    pub entropy_coef: f64,
    /// Raise the weight of the entropy bonus while entropy is below its target, lower it while it is above, when it does not apply.
    pub use_adaptive_entropy: bool,
    /// Least weight of the adaptive entropy bonus.
    pub entropy_coef_min: f64,
    /// Greatest weight of the adaptive entropy bonus.
    pub entropy_coef_max: f64,
    /// How much the adaptive weight moves after an update.
    pub entropy_coef_delta: f64,
    /// Target of the adaptive entropy bonus, in nats.
    pub entropy_target: f64,
    /// Leave out completions that were cut off at `max_completion_length`.
    pub mask_truncated_completions: bool,
    /// What advantages are divided by.
    pub scale_rewards: ScaleRewards,
    /// Whether the reward's components are added up before or after they are normalized.
    pub multi_objective_aggregation: Aggregation,
    /// Advantages are cut off beyond this; absent is off.
    pub advantage_clip: Option<f64>,
    /// Length in tokens of the buffer before `max_completion_length` in which a reply's reward falls by `overlong_penalty_factor`
    /// (DAPO, arXiv 2503.14476); absent is off.
    pub overlong_buffer_len: Option<usize>,
    /// What the longest replies lose.
    pub overlong_penalty_factor: f64,
    /// Ask other questions in place of those whose replies are all right or all wrong, from which nothing is learned (DAPO).
    pub dynamic_sampling: bool,
    /// Rollouts a step at most, where questions are replaced.
    pub max_num_gen_batches: usize,
    /// Updates from each rollout's replies (mu).
    pub num_iterations: usize,
    /// Parts of a rollout, `optim.gradient_accumulation_steps` of which make an update; as many as that if absent.
    pub steps_per_generation: Option<usize>,
    /// What KL is measured against.
    pub reference: Reference,
    /// Move the reference towards the policy every `ref_model_sync_steps` steps.
    pub sync_ref_model: bool,
    /// How far it moves: 1 makes it a snapshot of the policy.
    pub ref_model_mixup_alpha: f64,
    /// Steps between two moves of the reference.
    pub ref_model_sync_steps: u64,
    /// Temperature of `sapo` where the advantage is positive.
    pub sapo_temperature_pos: f64,
    /// Temperature of `sapo` elsewhere.
    pub sapo_temperature_neg: f64,
    /// k of `vespo` for advantages from 0 on.
    pub vespo_k_pos: f64,
    /// lambda of `vespo` for advantages from 0 on.
    pub vespo_lambda_pos: f64,
    /// k of `vespo` for negative advantages.
    pub vespo_k_neg: f64,
    /// lambda of `vespo` for negative advantages.
    pub vespo_lambda_neg: f64,
}

impl Default for GrpoSettings {
    fn default() -> Self {
        Self {
            beta: 0.04,
            kl_target: None,
            kl_horizon: 10_000.0,
            kl_estimator: KlEstimator::K3,
            use_bias_correction_kl: false,
            epsilon: 0.2,
            epsilon_high: None,
            delta: None,
            dual_clip: None,
            loss_type: LossType::Dapo,
            importance_sampling_level: ImportanceSampling::Token,
            off_policy_mask_threshold: None,
            top_entropy_quantile: 1.0,
            entropy_coef: 0.0,
            use_adaptive_entropy: false,
            entropy_coef_min: 0.0,
            entropy_coef_max: 1.0,
            entropy_coef_delta: 0.005,
            entropy_target: 0.2,
            mask_truncated_completions: false,
            scale_rewards: ScaleRewards::Group,
            multi_objective_aggregation: Aggregation::SumThenNormalize,
            advantage_clip: None,
            overlong_buffer_len: None,
            overlong_penalty_factor: 1.0,
            dynamic_sampling: false,
            max_num_gen_batches: 3,
            num_iterations: 1,
            steps_per_generation: None,
            reference: Reference::Auto,
            sync_ref_model: false,
            ref_model_mixup_alpha: 0.6,
            ref_model_sync_steps: 512,
            sapo_temperature_pos: 1.0,
            sapo_temperature_neg: 1.05,
            vespo_k_pos: 2.0,
            vespo_lambda_pos: 3.0,
            vespo_k_neg: 3.0,
            vespo_lambda_neg: 2.0,
        }
    }
}

/// The loss of a token, and how token losses are averaged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Clipped ratio; mean over each completion's tokens, then over completions.
    Grpo,
    /// Clipped ratio; mean over all tokens of the batch.
    Bnpo,
    /// Clipped ratio; mean over all tokens of the step.
    #[default]
    Dapo,
    /// Clipped ratio; sum over tokens divided by completions × `max_completion_length`.
    DrGrpo,
    /// Clipped ratio; sum over each completion's tokens, mean over completions.
    Luspo,
    /// Log-probability weighted by the ratio, cut off at `epsilon_high`; mean as `dapo`.
    Cispo,
    /// A sigmoid of the ratio in place of the clip; mean as `grpo`.
    Sapo,
    /// Log-probability weighted by a gamma density of the completion's ratio; mean as `dapo`.
    Vespo,
}

/// What a probability ratio belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceSampling {
    /// Each token has its own.
    #[default]
    Token,
    /// A completion has one, the geometric mean of its tokens' (GSPO, arXiv 2507.18071).
    Sequence,
}

/// How the KL divergence from the reference policy is estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KlEstimator {
    /// The difference of log-probabilities.
    K1,
    /// Half of its square.
    K2,
    /// Never negative and without bias, as in GRPO.
    #[default]
    K3,
    /// The value of `k3` with the gradient of `k2`, which is that of the divergence itself.
    K3Plus,
}

/// The policy that KL is measured against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The adapter that the run starts from, where `lora.init_adapter` names one, else the base.
    #[default]
    Auto,
    /// The base with no adapter.
    Base,
    /// The adapter that the run starts from, be it new.
    Initial,
}

/// What advantages are divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRewards {
    /// The group's standard deviation.
    #[default]
    Group,
    /// The whole batch's standard deviation.
    Batch,
    /// Nothing.
    None,
}

/// When a reward's components are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Before rewards are normalized.
    #[default]
    SumThenNormalize,
    /// After each component was normalized within its group; the sum is normalized over the batch (GDPO).
    NormalizeThenSum,
}
