//! The shape of a model, from GGUF metadata.

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

/// Access to the metadata of an architecture, whose keys begin with its name.
struct Keys<'a> {
    file: &'a GgufFile,
    architecture: &'a str,
}

impl Keys<'_> {
    fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }

    fn error(&self, suffix: &str, problem: impl Into<String>) -> ModelError {
        self.file.metadata().error(&self.name(suffix), problem)
    }

    fn optional_size(&self, suffix: &str) -> Result<Option<usize>, ModelError> {
        match self.file.metadata().unsigned(&self.name(suffix))? {
            Some(size) if !(1..=1 << 24).contains(&size) => {
                Err(self.error(suffix, format!("is {size}; 1 to 16777216 is possible")))
            }
            size => Ok(size),
        }
    }

    fn size(&self, suffix: &str) -> Result<usize, ModelError> {
        self.optional_size(suffix)?.ok_or_else(|| self.error(suffix, "is missing"))
    }

    fn positive_float(&self, suffix: &str, default: Option<f64>) -> Result<f32, ModelError> {
        let value = self.file.metadata().float(&self.name(suffix))?.or(default);
        match value {
            None => Err(self.error(suffix, "is missing")),
            Some(value) if value.is_finite() && value > 0.0 => Ok(value as f32),
            Some(value) => Err(self.error(suffix, format!("is {value}; a positive number is expected"))),
        }
    }

    fn head_dim(&self, hidden_size: usize, heads: usize) -> Result<usize, ModelError> {
        let key_length = self.optional_size("attention.key_length")?;
        let value_length = self.optional_size("attention.value_length")?;
        let head_dim = key_length.or(value_length).unwrap_or(hidden_size / heads);
        if value_length.is_some_and(|length| length != head_dim) {
            return Err(self.error(
                "attention.value_length",
                format!("differs from the key length {head_dim}, which is not supported"),
            ));
        }
        if head_dim == 0 || !head_dim.is_multiple_of(2) {
            return Err(self
                .error("attention.key_length", format!("makes heads of width {head_dim}; an even width is expected")));
        }
        match self.optional_size("rope.dimension_count")? {
            Some(rotated) if rotated != head_dim => {
                let problem = format!("is {rotated} in heads of width {head_dim}; partial rotation is not supported");
                Err(self.error("rope.dimension_count", problem))
            }
            _ => Ok(head_dim),
        }
    }

    /// Refuses what would be computed wrongly if it were overlooked.
    fn refuse_unsupported(&self) -> Result<(), ModelError> {
        let remedy = "use a model without it";
        let scaling = self.file.metadata().string(&self.name("rope.scaling.type"))?.unwrap_or("none");
        if scaling != "none" {
            return Err(ModelError::unsupported(self.file.path(), format!("RoPE scaling `{scaling}`"), remedy));
        }
        if self.file.find_tensor("rope_freqs.weight").is_some() {
            return Err(ModelError::unsupported(
                self.file.path(),
                "RoPE with frequency factors (rope_freqs.weight)",
                remedy,
            ));
        }
        let experts = self.file.metadata().unsigned(&self.name("expert_count"))?.unwrap_or(0);
        if experts > 0 {
            return Err(ModelError::unsupported(self.file.path(), format!("a mixture of {experts} experts"), remedy));
        }
        Ok(())
    }

    fn check(&self, config: &ModelConfig) -> Result<(), ModelError> {
        let (heads, groups) = (config.num_attention_heads, config.num_key_value_heads);
        if !heads.is_multiple_of(groups) {
            return Err(self.error(
                "attention.head_count_kv",
                format!("is {groups}, which does not divide the {heads} query heads"),
            ));
        }
        if config.num_hidden_layers > 4096 {
            return Err(
                self.error("block_count", format!("is {}; at most 4096 layers are possible", config.num_hidden_layers))
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::gguf::testing::{Builder, smollm2},
        *,
    };

    fn tiny() -> Builder {
        Builder::default()
            .text("general.architecture", "llama")
            .u32("llama.embedding_length", 8)
            .u32("llama.feed_forward_length", 16)
            .u32("llama.block_count", 1)
            .u32("llama.attention.head_count", 4)
            .u32("llama.attention.head_count_kv", 2)
            .u32("llama.context_length", 128)
            .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
            .floats("token_embd.weight", &[5, 8], &[0.0; 40])
    }

    fn read(builder: &Builder) -> Result<ModelConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        ModelConfig::from_gguf(&builder.open(folder.path())).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_optional_has_llama_cpps_defaults() {
        let config = read(&tiny()).unwrap();
        assert_eq!((config.vocab_size, config.head_dim, config.query_size(), config.key_value_size()), (5, 2, 8, 4));
        assert_eq!(config.rope_theta.to_bits(), 10_000_f32.to_bits());
        assert!(config.tie_word_embeddings && config.rope_interleaved);
        assert!(!read(&tiny().floats("output.weight", &[5, 8], &[0.0; 40])).unwrap().tie_word_embeddings);
        assert_eq!(read(&tiny().u32("llama.attention.key_length", 6)).unwrap().head_dim, 6);
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        for (builder, expected) in [
            (
                Builder::default().text("general.architecture", "mamba"),
                "architecture `mamba` is not supported; use one of: llama",
            ),
            (Builder::default(), "`general.architecture`: is missing"),
            (tiny().text("llama.rope.scaling.type", "linear"), "RoPE scaling `linear`"),
            (tiny().floats("rope_freqs.weight", &[1], &[1.0]), "frequency factors"),
            (tiny().u32("llama.expert_count", 8), "8 experts"),
            (tiny().u32("llama.rope.dimension_count", 4), "is 4 in heads of width 2"),
            (tiny().u32("llama.attention.key_length", 3), "width 3"),
            (tiny().u32("llama.attention.value_length", 4).u32("llama.attention.key_length", 2), "differs"),
            (tiny().f32("llama.rope.freq_base", f32::NAN), "NaN"),
        ] {
            let error = read(&builder).unwrap_err();
            assert!(error.contains(expected) && error.contains("model.gguf"), "{error}");
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (key, value, expected) in [
            ("llama.attention.head_count", 0, "is 0"),
            ("llama.attention.head_count", 16, "width 0"),
            ("llama.attention.head_count_kv", 3, "does not divide"),
            ("llama.block_count", 5000, "at most 4096"),
            ("llama.embedding_length", 9, "rows of 9"),
            ("llama.context_length", u32::MAX, "is 4294967295"),
        ] {
            // Building anew with one value changed, since a key may be given only once.
            let mut builder = Builder::default().text("general.architecture", "llama");
            for (name, default) in [
                ("llama.embedding_length", 8),
                ("llama.feed_forward_length", 16),
                ("llama.block_count", 1),
                ("llama.attention.head_count", 4),
                ("llama.attention.head_count_kv", 2),
                ("llama.context_length", 128),
            ] {
                builder = builder.u32(name, if name == key { value } else { default });
            }
            let builder = builder.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
            let error = read(&builder.floats("token_embd.weight", &[5, 8], &[0.0; 40])).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn smollm2_has_its_published_shape() {
        let Some(path) = smollm2() else { return };
        let config = ModelConfig::from_gguf(&GgufFile::open(&path).unwrap()).unwrap();
        let expected = ModelConfig {
            architecture: "llama".into(),
            vocab_size: 49152,
            hidden_size: 576,
            intermediate_size: 1536,
            num_hidden_layers: 30,
            num_attention_heads: 9,
            num_key_value_heads: 3,
            head_dim: 64,
            rms_norm_eps: 1e-5,
            rope_theta: 100_000.0,
            max_position_embeddings: 8192,
            tie_word_embeddings: true,
            rope_interleaved: true,
        };
        assert_eq!(config, expected);
    }
}
