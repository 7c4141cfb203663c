//! The matrices of a decoder layer that can have an adapter.

use super::super::ModelConfig;

/// A projection, in the order in which a layer computes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Projection {
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
    /// Output of attention.
    O,
    /// The feed-forward layer's gate.
    Gate,
    /// The feed-forward layer's way up.
    Up,
    /// The feed-forward layer's way down.
    Down,
}

impl Projection {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// Hugging Face's name, as in `q_proj`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q => "q_proj",
            Self::K => "k_proj",
            Self::V => "v_proj",
            Self::O => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }

    /// Hugging Face's name of the module that holds it.
    pub fn block(self) -> &'static str {
        match self {
            Self::Q | Self::K | Self::V | Self::O => "self_attn",
            Self::Gate | Self::Up | Self::Down => "mlp",
        }
    }

    /// Position in [`Self::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The projection's [out, in].
    pub fn shape(self, config: &ModelConfig) -> [usize; 2] {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        match self {
            Self::Q => [config.query_size(), hidden],
            Self::K | Self::V => [config.key_value_size(), hidden],
            Self::O => [hidden, config.query_size()],
            Self::Gate | Self::Up => [inner, hidden],
            Self::Down => [hidden, inner],
        }
    }

    /// The projections called `names`, each once, in the order of [`Self::ALL`]; `all-linear` stands for all.
    ///
    /// # Errors
    /// What is wrong with the names, to be put after the name of the setting.
    pub fn parse_all(names: &[String]) -> Result<Vec<Self>, String> {
        let allowed = || Self::ALL.map(Self::name).join(", ");
        if let [only] = names
            && only == "all-linear"
        {
            return Ok(Self::ALL.to_vec());
        }
        if names.is_empty() {
            return Err(format!("is empty; name at least one of {}", allowed()));
        }
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            match Self::ALL.into_iter().find(|p| p.name() == name) {
                Some(projection) => found.push(projection),
                None => return Err(format!("names `{name}`; possible are {} or `all-linear` alone", allowed())),
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
