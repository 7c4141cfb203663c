//! A run's stored events, for cockpits.

use std::path::{Path, PathBuf};

use crate::{
    cockpit::{History, HistoryError},
    run::{event::Record, store::RunStore},
};

/// Reads a run's store, which a trainer may be writing to.
#[derive(Debug, Clone)]
pub struct StoredHistory(PathBuf);

impl StoredHistory {
    /// Of the store at `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl History for StoredHistory {
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
        let read = RunStore::open_read_only(&self.0).and_then(|store| store.since(seq, usize::MAX));
        read.map_err(|e| HistoryError(e.to_string()))
    }
}
