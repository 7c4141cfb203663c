//! `sqlr1-tui model info`: what a model is, without loading its weights.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use serde_json::{Value, json};

use crate::{
    cockpit::figures::{bytes, count},
    model::{ModelConfig, ModelError, Source, Tokenizer, config::CONFIG_FILE, gguf::TensorInfo, source::names},
};

/// The parts of a model that are told apart, with the GGUF names of their tensors.
const PARTS: [(&str, &[&str]); 7] = [
    ("embedding", &["token_embd"]),
    ("q, k, v", &["attn_q", "attn_k", "attn_v"]),
    ("attention output", &["attn_output"]),
    ("gate, up", &["ffn_gate", "ffn_up"]),
    ("down", &["ffn_down"]),
    ("norms", &["attn_norm", "ffn_norm", "output_norm", "attn_q_norm", "attn_k_norm"]),
    ("head", &["output"]),
];

/// A model's files, looked at.
pub struct Info {
    source: Source,
    config: ModelConfig,
    tokenizer: Tokenizer,
}

impl Info {
    /// Opens the model at `path`.
    ///
    /// # Errors
    /// A file is missing, damaged or not supported.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let source = Source::open(path)?;
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let (config, tokenizer) = match &source {
            Source::Gguf(file) => (ModelConfig::from_gguf(file)?, Tokenizer::from_gguf(file)?),
            Source::Safetensors(_) => {
                (ModelConfig::from_hugging_face(&folder.join(CONFIG_FILE))?, Tokenizer::from_hugging_face(folder)?)
            }
        };
        Ok(Self { source, config, tokenizer })
    }

    /// Labels and values, in order.
    fn rows(&self) -> Vec<(&'static str, Value)> {
        let config = &self.config;
        let tensors = self.source.tensors();
        let of_bytes: usize = tensors.iter().map(TensorInfo::byte_len).sum();
        let parameters: usize = tensors.iter().map(TensorInfo::elements).sum();
        let heads = format!(
            "{} query, {} key/value, width {}",
            config.num_attention_heads, config.num_key_value_heads, config.head_dim
        );
        let window = config.sliding_window.map_or_else(|| "none".into(), |window| format!("{window} tokens"));
        let head = if config.tie_word_embeddings { "the embedding" } else { "its own" };
        let template = if self.tokenizer.has_own_template() { "its own" } else { "none; ChatML is used" };
        let ends = self.tokenizer.eos_ids().iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        vec![
            ("files", json!(self.source.path().display().to_string())),
            ("architecture", json!(config.architecture)),
            ("parameters", json!(count(parameters as u64))),
            ("size", json!(bytes(of_bytes as f64))),
            (
                "layers",
                json!(format!(
                    "{} of width {}, {} inside",
                    config.num_hidden_layers, config.hidden_size, config.intermediate_size
                )),
            ),
            ("heads", json!(heads)),
            ("q/k norm", json!(if config.query_key_norm { "yes" } else { "no" })),
            ("biases", json!(self.biases())),
            ("rope", json!(format!("base {}, scaling {}", config.rope_theta, config.rope_scaling.describe()))),
            ("context", json!(format!("{} tokens", config.max_position_embeddings))),
            ("sliding window", json!(window)),
            ("output head", json!(head)),
            (
                "tokenizer",
                json!(format!("{}, {} tokens; {ends} end a reply", self.tokenizer.kind(), self.tokenizer.vocab_size())),
            ),
            ("chat template", json!(template)),
        ]
    }

    fn biases(&self) -> String {
        let biases = self.config.biases;
        let named =
            [("q, k, v", biases.qkv), ("attention output", biases.output), ("gate, up, down", biases.feed_forward)];
        let there: Vec<&str> = named.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
        if there.is_empty() { "none".into() } else { there.join(", ") }
    }

    /// For each part, the formats of its weights with their numbers of tensors.
    fn formats(&self) -> Vec<(&'static str, String)> {
        let mut counts: BTreeMap<usize, BTreeMap<&str, usize>> = BTreeMap::new();
        for info in self.source.tensors() {
            if let Some(part) = self.part(info) {
                *counts.entry(part).or_default().entry(info.tensor_type.name()).or_default() += 1;
            }
        }
        let told = |formats: &BTreeMap<&str, usize>| {
            formats.iter().map(|(name, n)| format!("{name} ×{n}")).collect::<Vec<_>>().join(", ")
        };
        counts.iter().map(|(part, formats)| (PARTS[*part].0, told(formats))).collect()
    }

    /// The part that a tensor belongs to. Biases are no part of their own.
    fn part(&self, info: &TensorInfo) -> Option<usize> {
        let name = match &self.source {
            Source::Gguf(_) => info.name.clone(),
            Source::Safetensors(_) => names::to_gguf(&info.name)?,
        };
        let stem = name.strip_suffix(".weight")?.rsplit('.').next()?.to_owned();
        PARTS.iter().position(|(_, stems)| stems.contains(&stem.as_str()))
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (label, value) in self.rows() {
            let _ = writeln!(text, "{label:<16} {}", value.as_str().unwrap_or_default());
        }
        text.push_str("weights\n");
        for (part, formats) in self.formats() {
            let _ = writeln!(text, "  {part:<16} {formats}");
        }
        text.trim_end().to_owned()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let config = &self.config;
        json!({
            "path": self.source.path().display().to_string(),
            "architecture": config.architecture,
            "parameters": self.source.tensors().iter().map(TensorInfo::elements).sum::<usize>(),
            "vocab_size": config.vocab_size,
            "hidden_size": config.hidden_size,
            "intermediate_size": config.intermediate_size,
            "num_hidden_layers": config.num_hidden_layers,
            "num_attention_heads": config.num_attention_heads,
            "num_key_value_heads": config.num_key_value_heads,
            "head_dim": config.head_dim,
            "query_key_norm": config.query_key_norm,
            "biases": self.biases(),
            "rope_theta": config.rope_theta,
            "rope_scaling": config.rope_scaling.describe(),
            "max_position_embeddings": config.max_position_embeddings,
            "sliding_window": config.sliding_window,
            "tie_word_embeddings": config.tie_word_embeddings,
            "formats": self.formats().into_iter().collect::<BTreeMap<_, _>>(),
            "tokenizer": self.tokenizer.kind(),
            "tokens": self.tokenizer.vocab_size(),
            "eos_token_ids": self.tokenizer.eos_ids(),
            "chat_template": self.tokenizer.has_own_template(),
        })
    }
}
