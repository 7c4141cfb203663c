//! The language model: its files and where they are from, tokenizer, decoder, adapters, generation.

#[cfg(any(test, feature = "cuda"))]
mod compiled_kernels;
pub mod config;
pub mod decoder;
pub mod device;
pub mod error;
pub mod generate;
pub mod gguf;
#[cfg(test)]
pub(crate) mod golden;
pub mod hub;
pub mod load;
pub mod locate;
pub mod lora;
mod mapped;
pub mod ops;
pub mod packed;
pub mod source;
pub mod synthetic;
pub mod tensor_file;
#[cfg(test)]
pub(crate) mod testing;
pub mod tokenizer;
pub mod weights;

pub use config::{Biases, ModelConfig, RopeScaling};
pub use decoder::{
    AdapterSet, BackwardOptions, Decoder, Dropout, LayerRecord, LoraGrads, PackedGroup, RecordedRows, Recording,
    TokenGrads, TokenScores, keeps_generation, keeps_records, kept_layers,
};
pub use error::ModelError;
pub use generate::{Beams, CacheShape, Completion, Constraint, GenerateRequest, Generated, Grammar, Sampling};
pub use load::Model;
pub use locate::{locate, locate_or_fetch, locate_or_fetch_logged};
pub use lora::{Lora, LoraParam, Projection};
pub use source::Source;
pub use tokenizer::{ChatMessage, Fences, Spellings, Tokenizer, TrainedVocabulary};
