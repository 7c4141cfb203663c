//! The shape of a model, from GGUF metadata or Hugging Face's `config.json`.

mod check;
mod hugging_face;
mod keys;
mod rope;

use self::keys::Keys;
pub use self::rope::RopeScaling;
use super::{ModelError, gguf::GgufFile};

/// The architectures that can be computed, as GGUF calls them. Its `llama` is also what Mistral, `CodeLlama` and
/// DeepSeek-Coder are.
const GGUF_ARCHITECTURES: [&str; 3] = ["llama", "qwen2", "qwen3"];

/// The shape's file in Hugging Face's layout.
pub const CONFIG_FILE: &str = "config.json";

/// Which projections have biases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Biases {
    /// q, k and v, all three.
    pub qkv: bool,
    /// Attention's output.
    pub output: bool,
    /// gate, up and down, all three.
    pub feed_forward: bool,
}

/// Everything about a decoder but its weights, under the names of Hugging Face's `config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// GGUF's `general.architecture`, or the `model_type` of `config.json`.
    pub architecture: String,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward layer.
    pub intermediate_size: usize,
    /// Number of decoder layers.
    pub num_hidden_layers: usize,
    /// Query heads of a layer.
    pub num_attention_heads: usize,
    /// Key and value heads of a layer; divides `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// Width of a head, even. Need not be `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    /// Added to the mean square in RMS normalization.
    pub rms_norm_eps: f32,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// How the rotary frequencies are stretched for long texts.
    pub rope_scaling: RopeScaling,
    /// Positions that the model was trained for.
    pub max_position_embeddings: usize,
    /// Positions that a token sees, itself included, if not all before it. Longer sequences are refused
    /// (see [`super::Decoder::rotation`]).
    pub sliding_window: Option<usize>,
    /// Which projections have biases.
    pub biases: Biases,
    /// Whether q and k heads are normalized before they are rotated (Qwen3).
    pub query_key_norm: bool,
    /// Whether the output head is the embedding.
    pub tie_word_embeddings: bool,
    /// Whether the *file* has q and k rows in the order of interleaved rotary pairs (0,1), (2,3), ... as llama.cpp
    /// writes them for `llama`. [`super::load`] restores Hugging Face's order, so that the decoder always rotates
    /// the pairs (i, i + `head_dim` / 2), and adapters fit.
    pub rope_interleaved: bool,
}

impl ModelConfig {
    /// Reads the configuration of a file.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for architectures and features that are not computed, [`ModelError::Metadata`] and
    /// [`ModelError::Tensor`] for what is absent or impossible.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        let metadata = file.metadata();
        let architecture = metadata.require_string("general.architecture")?;
        if !GGUF_ARCHITECTURES.contains(&architecture) {
            let remedy = format!("use one of: {}", GGUF_ARCHITECTURES.join(", "));
            return Err(ModelError::unsupported(file.path(), format!("architecture `{architecture}`"), remedy));
        }
        let keys = Keys { file, architecture };
        keys.refuse_unsupported()?;

        let hidden_size = keys.size("embedding_length")?;
        let num_attention_heads = keys.size("attention.head_count")?;
        let num_key_value_heads = keys.optional_size("attention.head_count_kv")?.unwrap_or(num_attention_heads);
        let config = Self {
            architecture: architecture.to_owned(),
            vocab_size: vocab_size(file, hidden_size)?,
            hidden_size,
            intermediate_size: keys.size("feed_forward_length")?,
            num_hidden_layers: keys.size("block_count")?,
            num_attention_heads,
            num_key_value_heads,
            head_dim: keys.head_dim(hidden_size, num_attention_heads)?,
            rms_norm_eps: keys.positive_float("attention.layer_norm_rms_epsilon", None)?,
            rope_theta: keys.positive_float("rope.freq_base", Some(10_000.0))?,
            rope_scaling: RopeScaling::None,
            max_position_embeddings: keys.size("context_length")?,
            sliding_window: keys.optional_size("attention.sliding_window")?,
            biases: keys.biases(),
            query_key_norm: architecture == "qwen3",
            tie_word_embeddings: file.find_tensor("output.weight").is_none(),
            rope_interleaved: architecture == "llama",
        };
        keys.check(&config)?;
        Ok(Self { rope_scaling: keys.rope_scaling(config.head_dim)?, ..config })
    }

    /// What GGUF calls the architecture: `config.json` tells Mistral from Llama, GGUF does not.
    pub fn gguf_architecture(&self) -> &str {
        if self.architecture == "mistral" { "llama" } else { &self.architecture }
    }

    /// Radians by which a position turns each pair of a head, `[head_dim / 2]`.
    pub fn rope_frequencies(&self) -> Vec<f32> {
        self.rope_scaling.frequencies(self.rope_theta, self.head_dim)
    }

    /// Output rows of the query projection.
    pub fn query_size(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Output rows of the key projection, and of the value projection.
    pub fn key_value_size(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }
}

/// The embedding's rows. The vocabulary size in metadata is not used: it is optional, and the weights decide.
fn vocab_size(file: &GgufFile, hidden_size: usize) -> Result<usize, ModelError> {
    let embedding = file.tensor("token_embd.weight")?;
    match embedding.info.shape[..] {
        [rows, columns] if columns == hidden_size => Ok(rows),
        _ => {
            let problem = format!("has shape {:?}, but rows of {hidden_size} are expected", embedding.info.shape);
            Err(ModelError::tensor(file.path(), &embedding.info.name, problem))
        }
    }
}

#[cfg(test)]
mod tests;
