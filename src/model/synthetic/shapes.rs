//! The shapes of published models, from their `config.json`.

use crate::model::{Biases, ModelConfig, RopeScaling};

/// Shapes that have a name.
pub const NAMES: [&str; 5] = ["qwen2.5-coder-7b", "codellama-7b", "qwen2.5-coder-0.5b", "smollm2-135m", "tiny"];

/// The shape of this name: a published model's, or `tiny`, which computes in milliseconds.
pub fn shape(name: &str) -> Option<ModelConfig> {
    Some(match name {
        "qwen2.5-coder-7b" => ModelConfig {
            tie_word_embeddings: false,
            ..qwen2(Size { layers: 28, hidden: 3584, inner: 18944, heads: [28, 4], vocabulary: 152_064 })
        },
        "qwen2.5-coder-0.5b" => {
            qwen2(Size { layers: 24, hidden: 896, inner: 4864, heads: [14, 2], vocabulary: 151_936 })
        }
        "codellama-7b" => ModelConfig {
            rope_theta: 1e6,
            max_position_embeddings: 16_384,
            tie_word_embeddings: false,
            ..llama(Size { layers: 32, hidden: 4096, inner: 11008, heads: [32, 32], vocabulary: 32_016 })
        },
        "smollm2-135m" => llama(Size { layers: 30, hidden: 576, inner: 1536, heads: [9, 3], vocabulary: 49_152 }),
        "tiny" => llama(Size { layers: 2, hidden: 64, inner: 192, heads: [4, 2], vocabulary: 320 }),
        _ => return None,
    })
}

/// What shapes of one family differ in.
#[derive(Clone, Copy)]
struct Size {
    layers: usize,
    hidden: usize,
    inner: usize,
    /// Query heads, and key heads.
    heads: [usize; 2],
    vocabulary: usize,
}

fn llama(size: Size) -> ModelConfig {
    let [query, key] = size.heads;
    ModelConfig {
        architecture: "llama".into(),
        vocab_size: size.vocabulary,
        hidden_size: size.hidden,
        intermediate_size: size.inner,
        num_hidden_layers: size.layers,
        num_attention_heads: query,
        num_key_value_heads: key,
        head_dim: size.hidden / query,
        rms_norm_eps: 1e-5,
        rope_theta: 1e5,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 8192,
        sliding_window: None,
        biases: Biases::default(),
        query_key_norm: false,
        tie_word_embeddings: true,
        rope_interleaved: false,
    }
}

fn qwen2(size: Size) -> ModelConfig {
    ModelConfig {
        architecture: "qwen2".into(),
        rms_norm_eps: 1e-6,
        rope_theta: 1e6,
        max_position_embeddings: 32_768,
        biases: Biases { qkv: true, ..Biases::default() },
        ..llama(size)
    }
}
