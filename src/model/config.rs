//! The shape of a model, from GGUF metadata.

mod keys;

use self::keys::Keys;
use super::{ModelError, gguf::GgufFile};

/// The architectures that can be computed.
const ARCHITECTURES: [&str; 1] = ["llama"];

/// Everything about a decoder but its weights, under the names of Hugging Face's `config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// GGUF's `general.architecture`.
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
    /// Positions that the model was trained for.
    pub max_position_embeddings: usize,
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
        if !ARCHITECTURES.contains(&architecture) {
            let what = format!("architecture `{architecture}`");
            return Err(ModelError::unsupported(
                file.path(),
                what,
                format!("use one of: {}", ARCHITECTURES.join(", ")),
            ));
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
            max_position_embeddings: keys.size("context_length")?,
            tie_word_embeddings: file.find_tensor("output.weight").is_none(),
            rope_interleaved: true,
        };
        keys.check(&config)?;
        Ok(config)
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
