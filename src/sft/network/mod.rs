//! A Llama-style decoder whose every parameter is trained: for models made from scratch.
//!
//! It computes what [`Decoder`](crate::model::Decoder) computes, with the same operations, over float32 weights. The
//! backward pass is written out, as there, and adds the gradients of the weights.

mod backward;
mod export;
mod forward;
#[cfg(test)]
mod tests;

use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::model::{LoraParam, ModelConfig, ops::layout::Heads};

/// The matrices of a layer, in order. q, k and v are stacked, and so are gate and up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `RMSNorm` before attention, `[1, hidden]`.
    AttentionNorm,
    /// q, k and v on top of each other, `[q + 2 kv, hidden]`.
    Qkv,
    /// Attention's output projection, `[hidden, q]`.
    Output,
    /// `RMSNorm` before the feed-forward part, `[1, hidden]`.
    FeedForwardNorm,
    /// gate and up on top of each other, `[2 inner, hidden]`.
    GateUp,
    /// The projection back, `[hidden, inner]`.
    Down,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::AttentionNorm, Self::Qkv, Self::Output, Self::FeedForwardNorm, Self::GateUp, Self::Down];

    fn name(self) -> &'static str {
        match self {
            Self::AttentionNorm => "attn_norm",
            Self::Qkv => "attn_qkv",
            Self::Output => "attn_output",
            Self::FeedForwardNorm => "ffn_norm",
            Self::GateUp => "ffn_gate_up",
            Self::Down => "ffn_down",
        }
    }

    fn shape(self, config: &ModelConfig) -> [usize; 2] {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        match self {
            Self::AttentionNorm | Self::FeedForwardNorm => [1, hidden],
            Self::Qkv => [config.query_size() + 2 * config.key_value_size(), hidden],
            Self::Output => [hidden, config.query_size()],
            Self::GateUp => [2 * inner, hidden],
            Self::Down => [hidden, inner],
        }
    }
}

/// The model being made. The embedding is the head too.
#[derive(Debug, Clone)]
pub struct Network {
    /// The shape.
    pub config: ModelConfig,
    /// All parameters: embedding, the layers' parts, final norm.
    pub params: Vec<LoraParam>,
}

impl Network {
    /// A network with random weights. Each matrix draws from a random stream of its own.
    pub fn new(config: ModelConfig, seed: u64, device: &Device) -> Self {
        let mut params = Vec::with_capacity(2 + config.num_hidden_layers * Part::ALL.len());
        let mut add = |name: String, shape: [usize; 2], gain: Option<f32>| {
            let stream = params.len() as u64;
            let values = gain.map_or_else(|| vec![1.0; shape[1]], |gain| uniform(shape, gain, seed, stream));
            params.push(LoraParam { name, value: Tensor::from_data(TensorData::new(values, shape), device) });
        };
        // As the embedding is the head too, its scale is that of the first logits.
        add("token_embd".into(), [config.vocab_size, config.hidden_size], Some(0.5));
        // What is added to the residual stream, twice a layer, is kept small, so that depth does not blow it up (GPT-2).
        let residual = 1.0 / (2.0 * config.num_hidden_layers as f32).sqrt();
        for layer in 0..config.num_hidden_layers {
            for part in Part::ALL {
                let gain = match part {
                    Part::AttentionNorm | Part::FeedForwardNorm => None,
                    Part::Output | Part::Down => Some(residual),
                    Part::Qkv | Part::GateUp => Some(1.0),
                };
                add(format!("blk.{layer}.{}", part.name()), part.shape(&config), gain);
            }
        }
        add("output_norm".into(), [1, config.hidden_size], None);
        Self { config, params }
    }

    /// Number of trained values.
    pub fn parameters(&self) -> u64 {
        self.params.iter().map(|p| p.value.dims().iter().product::<usize>() as u64).sum()
    }

    fn heads(&self) -> Heads {
        let config = &self.config;
        Heads { q: config.num_attention_heads, kv: config.num_key_value_heads, dim: config.head_dim }
    }

    fn position(layer: usize, part: Part) -> usize {
        1 + layer * Part::ALL.len() + part as usize
    }

    fn part(&self, layer: usize, part: Part) -> &Tensor<2> {
        &self.params[Self::position(layer, part)].value
    }

    fn embedding(&self) -> &Tensor<2> {
        &self.params[0].value
    }

    fn final_norm(&self) -> &Tensor<2> {
        &self.params[self.params.len() - 1].value
    }
}

/// Values of variance `gain`² / columns, from a uniform distribution: exact arithmetic, the same on every machine.
fn uniform([rows, cols]: [usize; 2], gain: f32, seed: u64, stream: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let bound = gain * (3.0 / cols as f32).sqrt();
    // 24 bits fill a float's mantissa.
    let mut unit = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    (0..rows * cols).map(|_| (unit() * 2.0 - 1.0) * bound).collect()
}
