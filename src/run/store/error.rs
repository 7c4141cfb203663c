//! What can be wrong with a store.

use std::path::Path;

use rusqlite::ErrorCode;

use super::{Damage, STORE_VERSION};
use crate::run::{event::SCHEMA_VERSION, room};

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite reports an error.
    #[error("the run store {path}: {source}")]
    Sqlite {
        /// The store's file.
        path: String,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The file holds no store.
    #[error("{path} is an SQLite file but no run store; give the folder of a run that was started")]
    NoStore {
        /// The file.
        path: String,
    },
    /// The store was written by a newer version of the program.
    #[error(
        "the run store {path} has version {found}, this program ({program}) knows versions up to {STORE_VERSION}; \
         use the program that wrote it, or a newer one",
        program = env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The store's file.
        path: String,
        /// Its version.
        found: i64,
    },
    /// The store's events mean other things than this program thinks.
    #[error(
        "the run store {path} has events of schema {found}, written by sqlr1-tui {program}; this program knows schemas up to \
         {SCHEMA_VERSION}: use that one, or a newer one"
    )]
    NewerEvents {
        /// The store's file.
        path: String,
        /// The schema of its events.
        found: u32,
        /// The program that wrote them.
        program: String,
    },
    /// The file is damaged.
    #[error("{0}")]
    Damaged(Damage),
    /// A damaged store cannot be replaced by what can be read of it.
    #[error("the run store {path} is damaged and cannot be rebuilt: {source}")]
    Rebuild {
        /// The store's file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// An event cannot be written as JSON.
    #[error("the run store {path}, event {seq}: {source}")]
    Event {
        /// The store's file.
        path: String,
        /// The event's position.
        seq: u64,
        /// Why.
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Whether the store can be written later: it only lacks room on the disk, or somebody else has had it for too long.
    pub fn can_wait(&self) -> bool {
        let Self::Sqlite { path, source } = self else { return false };
        let folder = Path::new(path).parent().unwrap_or(Path::new("."));
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => true,
            Some(ErrorCode::SystemIoFailure) => room::is_wanting(source, folder),
            _ => false,
        }
    }

    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.display().to_string();
        if is_damage(&source) {
            return Self::Damaged(Damage { path, why: source.to_string(), read: 0, lost: 0 });
        }
        Self::Sqlite { path, source }
    }

    pub(super) fn newer(path: &Path, found: i64) -> Self {
        Self::Newer { path: path.display().to_string(), found }
    }
}

/// Whether SQLite says that the file's content is wrong, and not that it cannot be had right now. `Unknown` is its plain error, which
/// our fixed queries only get where tables are not what the store's version says.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    let no_such_column = matches!(error, rusqlite::Error::SqlInputError { .. });
    no_such_column || matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown))
}
