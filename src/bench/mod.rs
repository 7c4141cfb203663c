//! Measurements of the engine at its real work, comparable with other programs' (scripts/bench-trl, scripts/bench-llama-cpp).

pub mod decode;
pub mod estimate;
pub mod fit;
pub mod grpo;
pub mod machine;

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Model, device or trainer.
    #[error(transparent)]
    Engine(#[from] crate::rl::TrainError),
    /// The file of prompts.
    #[error("cannot read the prompts {}: {why}; expected a JSON list of strings", path.display())]
    Prompts {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        why: String,
    },
    /// Sizes with which nothing can be measured.
    #[error("{0}")]
    Usage(String),
}

impl From<crate::model::ModelError> for BenchError {
    fn from(error: crate::model::ModelError) -> Self {
        Self::Engine(error.into())
    }
}
