//! The shape of a model from `config.json`, with the rotary embedding in its older and its newer layout.

use std::{fs, path::Path};

use serde::Deserialize;

use super::{Biases, ModelConfig, ModelError, RopeScaling, check};

/// The values of `model_type` that can be computed.
const MODEL_TYPES: [&str; 4] = ["llama", "mistral", "qwen2", "qwen3"];
/// Width of Qwen3's heads where the file does not say it.
const QWEN3_HEAD_DIM: usize = 128;

/// What is read of `config.json`.
#[derive(Deserialize)]
struct File {
    model_type: Option<String>,
    vocab_size: Option<usize>,
    hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: Option<usize>,
    rms_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    partial_rotary_factor: Option<f64>,
    rope_theta: Option<f64>,
    /// The older layout: the scaling alone.
    rope_scaling: Option<Rope>,
    /// The newer one: base and scaling together.
    rope_parameters: Option<Rope>,
    quantization_config: Option<serde_json::Value>,
}

/// `rope_scaling` and `rope_parameters`.
#[derive(Deserialize)]
#[allow(clippy::struct_field_names)] // The file's names.
struct Rope {
    /// What `rope_type` was called first.
    #[serde(rename = "type")]
    kind: Option<String>,
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
}

impl ModelConfig {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Io`] if it cannot be read, [`ModelError::Metadata`] for what is absent or impossible,
    /// [`ModelError::Unsupported`] for architectures and features that are not computed.
    pub fn from_hugging_face(path: &Path) -> Result<Self, ModelError> {
        let text = fs::read_to_string(path).map_err(|e| ModelError::io("read", path, e))?;
        let file: File = serde_json::from_str(&text)
            .map_err(|e| ModelError::metadata(path, "(the whole file)", format!("is no model's configuration: {e}")))?;
        Reader { path, file: &file }.config()
    }
}

/// A file being checked.
struct Reader<'a> {
    path: &'a Path,
    file: &'a File,
}

impl Reader<'_> {
    fn config(&self) -> Result<ModelConfig, ModelError> {
        let file = self.file;
        let architecture = self.model_type()?;
        self.refuse_unsupported(architecture)?;
        let hidden_size = self.size("hidden_size", file.hidden_size)?;
        let num_attention_heads = self.size("num_attention_heads", file.num_attention_heads)?;
        // Llama's first files do not know the key; in the other architectures its default is not the number of heads.
        let key_value_heads = file.num_key_value_heads.or((architecture == "llama").then_some(num_attention_heads));
        let qwen3_default = (architecture == "qwen3").then_some(QWEN3_HEAD_DIM);
        let (rope_theta, rope_scaling) = self.rope()?;
        let config = ModelConfig {
            architecture: architecture.to_owned(),
            vocab_size: self.size("vocab_size", file.vocab_size)?,
            hidden_size,
            intermediate_size: self.size("intermediate_size", file.intermediate_size)?,
            num_hidden_layers: self.size("num_hidden_layers", file.num_hidden_layers)?,
            num_attention_heads,
            num_key_value_heads: self.size("num_key_value_heads", key_value_heads)?,
            head_dim: match file.head_dim.or(qwen3_default) {
                Some(_) => self.size("head_dim", file.head_dim.or(qwen3_default))?,
                None => hidden_size / num_attention_heads,
            },
            rms_norm_eps: self.positive("rms_norm_eps", file.rms_norm_eps, Some(1e-6))?,
            rope_theta,
            rope_scaling,
            max_position_embeddings: self.size("max_position_embeddings", file.max_position_embeddings)?,
            sliding_window: self.sliding_window(architecture)?,
            biases: self.biases(architecture),
            query_key_norm: architecture == "qwen3",
            tie_word_embeddings: file.tie_word_embeddings.unwrap_or(false),
            rope_interleaved: false,
        };
        match check::flaw(&config) {
            Some((size, problem)) => Err(self.error(size.hugging_face_key(), problem)),
            None => Ok(config),
        }
    }

    fn model_type(&self) -> Result<&'static str, ModelError> {
        let given = self.file.model_type.as_deref().ok_or_else(|| self.error("model_type", "is missing"))?;
        MODEL_TYPES.into_iter().find(|known| *known == given).ok_or_else(|| {
            let remedy = format!("use one of: {}", MODEL_TYPES.join(", "));
            ModelError::unsupported(self.path, format!("architecture `{given}`"), remedy)
        })
    }

    /// Refuses what would be computed wrongly if it were overlooked.
    fn refuse_unsupported(&self, architecture: &str) -> Result<(), ModelError> {
        let refuse = |what: String, remedy: &str| Err(ModelError::unsupported(self.path, what, remedy));
        match self.file.hidden_act.as_deref() {
            None | Some("silu") => {}
            Some(other) => return refuse(format!("activation `{other}`"), "use a model with `silu`"),
        }
        if self.file.partial_rotary_factor.is_some_and(|part| (part - 1.0).abs() > f64::EPSILON) {
            return refuse("partial rotation".into(), "use a model that rotates whole heads");
        }
        if self.file.quantization_config.is_some() {
            let remedy =
                "use the model's unquantized weights, which are quantized while they are loaded, or a GGUF file";
            return refuse("`quantization_config`".into(), remedy);
        }
        if architecture == "qwen2" && self.file.attention_bias == Some(false) {
            return refuse("a qwen2 without attention biases".into(), "use a plain model of this architecture");
        }
        Ok(())
    }

    fn biases(&self, architecture: &str) -> Biases {
        let attention = matches!(architecture, "llama" | "qwen3") && self.file.attention_bias == Some(true);
        Biases {
            qkv: attention || architecture == "qwen2",
            output: attention,
            feed_forward: architecture == "llama" && self.file.mlp_bias == Some(true),
        }
    }

    /// Qwen's files name a window that is not used unless another key says so.
    fn sliding_window(&self, architecture: &str) -> Result<Option<usize>, ModelError> {
        let used = match architecture {
            "mistral" => true,
            "qwen2" | "qwen3" => self.file.use_sliding_window == Some(true),
            _ => false,
        };
        match self.file.sliding_window {
            Some(_) if used => self.size("sliding_window", self.file.sliding_window).map(Some),
            _ => Ok(None),
        }
    }

    /// Base and scaling of the rotary embedding.
    fn rope(&self) -> Result<(f32, RopeScaling), ModelError> {
        let file = self.file;
        let (group, rope) = match (&file.rope_parameters, &file.rope_scaling) {
            (Some(rope), _) => ("rope_parameters", Some(rope)),
            (None, rope) => ("rope_scaling", rope.as_ref()),
        };
        let theta = rope.and_then(|rope| rope.rope_theta).or(file.rope_theta);
        let theta = self.positive("rope_theta", theta, Some(10_000.0))?;
        let Some(rope) = rope else { return Ok((theta, RopeScaling::None)) };
        let positive = |key: &str, value| self.positive(&format!("{group}.{key}"), value, None);
        let scaling = match rope.rope_type.as_deref().or(rope.kind.as_deref()).unwrap_or("default") {
            "default" => RopeScaling::None,
            "linear" => RopeScaling::Linear { factor: positive("factor", rope.factor)? },
            "llama3" => {
                const ORIGINAL: &str = "original_max_position_embeddings";
                let (low, high) = (rope.low_freq_factor, rope.high_freq_factor);
                let (low_freq_factor, high_freq_factor) =
                    (positive("low_freq_factor", low)?, positive("high_freq_factor", high)?);
                if low_freq_factor >= high_freq_factor {
                    let problem = format!("is {high_freq_factor}, not above low_freq_factor {low_freq_factor}");
                    return Err(self.error(&format!("{group}.high_freq_factor"), problem));
                }
                RopeScaling::Llama3 {
                    factor: positive("factor", rope.factor)?,
                    low_freq_factor,
                    high_freq_factor,
                    original_positions: self
                        .size(&format!("{group}.{ORIGINAL}"), rope.original_max_position_embeddings)?,
                }
            }
            other => {
                let remedy = "use a model with `default`, `linear` or `llama3`";
                return Err(ModelError::unsupported(self.path, format!("RoPE scaling `{other}`"), remedy));
            }
        };
        Ok((theta, scaling))
    }

    fn size(&self, key: &str, value: Option<usize>) -> Result<usize, ModelError> {
        match value {
            None => Err(self.error(key, "is missing")),
            Some(size) if !(1..=1 << 24).contains(&size) => {
                Err(self.error(key, format!("is {size}; 1 to 16777216 is possible")))
            }
            Some(size) => Ok(size),
        }
    }

    fn positive(&self, key: &str, value: Option<f64>, default: Option<f64>) -> Result<f32, ModelError> {
        match value.or(default) {
            None => Err(self.error(key, "is missing")),
            Some(value) if value.is_finite() && value > 0.0 => Ok(value as f32),
            Some(value) => Err(self.error(key, format!("is {value}; a positive number is expected"))),
        }
    }

    fn error(&self, key: &str, problem: impl Into<String>) -> ModelError {
        ModelError::metadata(self.path, key, problem)
    }
}

#[cfg(test)]
mod tests;
