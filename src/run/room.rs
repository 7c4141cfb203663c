//! Whether a file could not be written for want of room: such a failure passes, and a run can wait for it to pass.

use std::{error::Error, io, path::Path};

/// A file system with fewer free bytes counts as full: what failed on it failed for that, whatever the error says. SQLite, for
/// one, calls a log's index that cannot grow an input/output error.
const FULL: u64 = 1 << 20;

/// Whether `error`, or what caused it, says that there is no room, or the file system of `path` has next to none.
pub fn is_wanting(error: &(dyn Error + 'static), path: &Path) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => return true,
                io::ErrorKind::PermissionDenied => return false,
                _ => {}
            }
        }
        cause = error.source();
    }
    free_bytes(path).is_some_and(|free| free < FULL)
}

/// Bytes that a user who is not root may still write to the file system of `path`; `None` if it does not say.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write")]
    struct Outer(#[source] io::Error);

    #[test]
    fn causes_are_looked_at_too() {
        let here = std::env::temp_dir();
        assert!(free_bytes(&here).unwrap() > FULL, "this test needs room");
        for (kind, wanting) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::FileTooLarge, false),
        ] {
            assert_eq!(is_wanting(&Outer(kind.into()), &here), wanting, "{kind:?}");
        }
    }

    #[test]
    fn a_place_that_is_not_there_has_no_figure() {
        assert_eq!(free_bytes(Path::new("/no/such/place")), None);
    }
}
