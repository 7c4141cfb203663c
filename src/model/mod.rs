//! The language model: GGUF files, tokenizer, decoder, adapters, generation.

pub mod config;
pub mod error;
pub mod gguf;
pub mod ops;
pub mod packed;
pub mod weights;

pub use config::ModelConfig;
pub use error::ModelError;
