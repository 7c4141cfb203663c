//! What can go wrong with a model, each with the place and, where there is one, the remedy.

use std::path::{Path, PathBuf};

/// An error of the `model` layer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb: `open`, `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes of a GGUF file break the format.
    #[error("{}: byte {offset}: {problem}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What is wrong, with the offending value.
        problem: String,
    },
    /// A GGUF metadata entry is absent, of the wrong type, or has an impossible value.
    #[error("{}: metadata key `{key}`: {problem}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The metadata key.
        key: String,
        /// What is wrong, with the offending value.
        problem: String,
    },
    /// A tensor is absent or does not fit the model.
    #[error("{}: tensor `{tensor}`: {problem}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name in the file.
        tensor: String,
        /// What is wrong, with the offending value.
        problem: String,
    },
    /// The file is sound, but holds something that this program does not compute.
    #[error("{}: {what} is not supported; {remedy}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The feature.
        what: String,
        /// What to use instead.
        remedy: String,
    },
    /// The tokenizer could not be built or failed on a text.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The chat template does not compile or failed on a conversation.
    #[error("chat template: {0}")]
    ChatTemplate(String),
    /// An adapter does not fit the model or the settings, or its files are damaged.
    #[error("adapter {}: {problem}", path.display())]
    Adapter {
        /// The adapter's folder, or the file in it that is at fault.
        path: PathBuf,
        /// What is wrong and what to change.
        problem: String,
    },
    /// A checkpoint's file of matrices cannot be used.
    #[error("{}: {problem}", path.display())]
    TensorFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There is no model at the place that was named.
    #[error("model `{wanted}`: {problem}")]
    NotFound {
        /// The path or name as given.
        wanted: String,
        /// Why it leads nowhere and what to do.
        problem: String,
    },
    /// There is no such device, or this build cannot use it.
    #[error("device `{name}`: {problem}")]
    Device {
        /// The device as asked for.
        name: String,
        /// Why not, and what to use instead.
        problem: String,
    },
    /// A computation failed or was asked for something impossible.
    #[error("{0}")]
    Compute(String),
}

impl ModelError {
    /// Whether the cause lies in what is installed or placed on this machine (exit code 3) and not in the run itself.
    pub fn is_environment(&self) -> bool {
        !matches!(self, Self::ChatTemplate(_) | Self::Compute(_))
    }

    /// The system refused to `action` the file or folder at `path`.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// A metadata entry is wrong.
    pub fn metadata(path: &Path, key: &str, problem: impl Into<String>) -> Self {
        Self::Metadata { path: path.to_owned(), key: key.to_owned(), problem: problem.into() }
    }

    /// A tensor is wrong.
    pub fn tensor(path: &Path, tensor: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { path: path.to_owned(), tensor: tensor.to_owned(), problem: problem.into() }
    }

    /// `what` is not supported; `remedy` says what to do instead.
    pub fn unsupported(path: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), what: what.into(), remedy: remedy.into() }
    }

    /// An adapter is wrong.
    pub fn adapter(path: &Path, problem: impl Into<String>) -> Self {
        Self::Adapter { path: path.to_owned(), problem: problem.into() }
    }
}
