//! What must hold between the sizes of a model, wherever they are from.

use super::ModelConfig;

/// A size that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    KeyValueHeads,
    Layers,
    HeadDim,
}

impl Size {
    /// Its key in GGUF metadata, behind the architecture's name.
    pub(super) fn gguf_key(self) -> &'static str {
        match self {
            Self::KeyValueHeads => "attention.head_count_kv",
            Self::Layers => "block_count",
            Self::HeadDim => "attention.key_length",
        }
    }

    /// Its key in `config.json`.
    pub(super) fn hugging_face_key(self) -> &'static str {
        match self {
            Self::KeyValueHeads => "num_key_value_heads",
            Self::Layers => "num_hidden_layers",
            Self::HeadDim => "head_dim",
        }
    }
}

/// The first rule that is broken, if one is: by which size, and how.
pub(super) fn flaw(config: &ModelConfig) -> Option<(Size, String)> {
    let (heads, groups, dim) = (config.num_attention_heads, config.num_key_value_heads, config.head_dim);
    if dim == 0 || !dim.is_multiple_of(2) {
        return Some((Size::HeadDim, format!("makes heads of width {dim}; an even width is expected")));
    }
    if !heads.is_multiple_of(groups) {
        return Some((Size::KeyValueHeads, format!("is {groups}, which does not divide the {heads} query heads")));
    }
    let layers = config.num_hidden_layers;
    (layers > 4096).then(|| (Size::Layers, format!("is {layers}; at most 4096 layers are possible")))
}
