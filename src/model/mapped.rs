//! A file's bytes, and the one place where a file is mapped into memory.

use std::{fs::File, path::Path};

use memmap2::Mmap;

use super::ModelError;

/// A whole file.
pub(in crate::model) enum Content {
    /// Mapped read-only.
    Mapped(Mmap),
    /// Made in memory.
    Owned(Vec<u8>),
}

impl Content {
    /// Maps `path`.
    pub(in crate::model) fn open(path: &Path) -> Result<Self, ModelError> {
        let file = File::open(path).map_err(|e| ModelError::io("open", path, e))?;
        let meta = file.metadata().map_err(|e| ModelError::io("inspect", path, e))?;
        if !meta.is_file() {
            let reason = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file");
            return Err(ModelError::io("map", path, reason));
        }
        // SAFETY: the mapping is private and read-only, and nobody gets more than a shared byte slice of it, so any
        // content is valid. What the language cannot rule out is another process that changes or truncates the file
        // meanwhile; the time in which that could happen is the load alone, for which the mapping is kept: weights
        // are copied out and the mapping dropped before training starts.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.map_err(|e| ModelError::io("map", path, e))?;
        Ok(Self::Mapped(map))
    }

    /// All bytes of the file.
    pub(in crate::model) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
