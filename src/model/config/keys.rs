//! Typed access to the metadata of an architecture.

use super::{
    super::{ModelError, gguf::GgufFile},
    Biases, ModelConfig, RopeScaling, check,
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
        match self.optional_size("rope.dimension_count")? {
            Some(rotated) if rotated != head_dim => {
                let problem = format!("is {rotated} in heads of width {head_dim}; partial rotation is not supported");
                Err(self.error("rope.dimension_count", problem))
            }
            _ => Ok(head_dim),
        }
    }

    /// Which projections have biases: what the file has. Qwen2 always has those of q, k and v.
    pub(super) fn biases(&self) -> Biases {
        let has = |name: &str| self.file.find_tensor(&format!("blk.0.{name}.bias")).is_some();
        Biases {
            qkv: self.architecture == "qwen2" || ["attn_q", "attn_k", "attn_v"].into_iter().any(has),
            output: has("attn_output"),
            feed_forward: ["ffn_gate", "ffn_up", "ffn_down"].into_iter().any(has),
        }
    }

    /// The scaling that the metadata name, or the factors in `rope_freqs.weight`, which is how Llama 3's scaling is stored.
    pub(super) fn rope_scaling(&self, head_dim: usize) -> Result<RopeScaling, ModelError> {
        const FACTORS: &str = "rope_freqs.weight";
        let named = match self.file.metadata().string(&self.name("rope.scaling.type"))?.unwrap_or("none") {
            "none" => RopeScaling::None,
            "linear" => RopeScaling::Linear { factor: self.positive_float("rope.scaling.factor", None)? },
            other => {
                return Err(ModelError::unsupported(
                    self.file.path(),
                    format!("RoPE scaling `{other}`"),
                    "use a model with `none`, `linear` or Llama 3's scaling",
                ));
            }
        };
        // Files of 2023 name the factor only.
        let named = match self.file.metadata().float(&self.name("rope.scale_linear"))? {
            Some(_) if named == RopeScaling::None => {
                RopeScaling::Linear { factor: self.positive_float("rope.scale_linear", None)? }
            }
            _ => named,
        };
        if self.file.find_tensor(FACTORS).is_none() {
            return Ok(named);
        }
        let error = |problem: String| Err(ModelError::tensor(self.file.path(), FACTORS, problem));
        if named != RopeScaling::None {
            return error("stands beside another RoPE scaling; only one of the two is supported".into());
        }
        let factors = self.file.tensor_of_shape(FACTORS, &[head_dim / 2])?.to_f32()?;
        match factors.iter().find(|factor| !(factor.is_finite() && **factor > 0.0)) {
            Some(factor) => error(format!("holds the factor {factor}; positive numbers are expected")),
            None => Ok(RopeScaling::Factors(factors)),
        }
    }

    /// Refuses what would be computed wrongly if it were overlooked.
    pub(super) fn refuse_unsupported(&self) -> Result<(), ModelError> {
        let experts = self.file.metadata().unsigned(&self.name("expert_count"))?.unwrap_or(0);
        if experts > 0 {
            let what = format!("a mixture of {experts} experts");
            return Err(ModelError::unsupported(self.file.path(), what, "use a model without it"));
        }
        Ok(())
    }

    pub(super) fn check(&self, config: &ModelConfig) -> Result<(), ModelError> {
        check::flaw(config).map_or(Ok(()), |(what, problem)| Err(self.error(what.gguf_key(), problem)))
    }
}
