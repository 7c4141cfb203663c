//! Typed access to the metadata of an architecture.

use super::{
    super::{ModelError, gguf::GgufFile},
    ModelConfig,
};

/// Access to the metadata of an architecture, whose keys begin with its name.
pub(super) struct Keys<'a> {
    pub(super) file: &'a GgufFile,
    pub(super) architecture: &'a str,
}

impl Keys<'_> {
    fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }

    fn error(&self, suffix: &str, problem: impl Into<String>) -> ModelError {
        self.file.metadata().error(&self.name(suffix), problem)
    }

    pub(super) fn optional_size(&self, suffix: &str) -> Result<Option<usize>, ModelError> {
        match self.file.metadata().unsigned(&self.name(suffix))? {
            Some(size) if !(1..=1 << 24).contains(&size) => {
                Err(self.error(suffix, format!("is {size}; 1 to 16777216 is possible")))
            }
            size => Ok(size),
        }
    }

    pub(super) fn size(&self, suffix: &str) -> Result<usize, ModelError> {
        self.optional_size(suffix)?.ok_or_else(|| self.error(suffix, "is missing"))
    }

    pub(super) fn positive_float(&self, suffix: &str, default: Option<f64>) -> Result<f32, ModelError> {
        let value = self.file.metadata().float(&self.name(suffix))?.or(default);
        match value {
            None => Err(self.error(suffix, "is missing")),
            Some(value) if value.is_finite() && value > 0.0 => Ok(value as f32),
            Some(value) => Err(self.error(suffix, format!("is {value}; a positive number is expected"))),
        }
    }

    pub(super) fn head_dim(&self, hidden_size: usize, heads: usize) -> Result<usize, ModelError> {
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
    pub(super) fn refuse_unsupported(&self) -> Result<(), ModelError> {
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

    pub(super) fn check(&self, config: &ModelConfig) -> Result<(), ModelError> {
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
