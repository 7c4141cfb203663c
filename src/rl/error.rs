//! Why a run cannot start or go on.

use std::path::PathBuf;

use super::optimizer::OptimizerError;
use crate::{
    data::DataError,
    model::ModelError,
    run::{checkpoint::CheckpointError, folder::FolderError, store::StoreError},
    sql::WorkerError,
};

/// Why a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The model, the device or an adapter.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The questions or databases.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The processes that execute SQL.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The event store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The run folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The optimizer.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
    /// The counters in a checkpoint.
    #[error("cannot read the trainer's state {}: {why}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Settings that do not fit the data or the model at hand.
    #[error("{0}")]
    Unusable(String),
    /// A defect: a computation panicked.
    #[error("internal error: {0}; please report it with the run's log")]
    Panic(String),
}

impl TrainError {
    /// Whether what had to be written can be written later, as where there was no room on the disk.
    pub fn can_wait(&self) -> bool {
        match self {
            Self::Store(error) => error.can_wait(),
            Self::Checkpoint(error) => error.can_wait(),
            _ => false,
        }
    }

    /// Whether the cause lies in what is installed or placed on this machine rather than in the run.
    pub fn is_environment(&self) -> bool {
        match self {
            Self::Model(error) => error.is_environment(),
            Self::Data(_) | Self::Worker(_) => true,
            _ => false,
        }
    }
}
