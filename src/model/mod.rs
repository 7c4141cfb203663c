//! The language model: GGUF files, tokenizer, decoder, adapters, generation.

pub mod packed;
pub mod weights;
