//! The language model: GGUF files, tokenizer, decoder, adapters, generation.

pub mod config;
pub mod error;
pub mod gguf;
pub mod ops;
#[cfg(test)]
pub(crate) mod golden;
pub mod lora;
pub mod packed;
pub mod tokenizer;
pub mod weights;

pub use config::ModelConfig;
pub use error::ModelError;
pub use lora::{Lora, LoraParam, Projection};
pub use tokenizer::{ChatMessage, Tokenizer};
