//! Room, kind of file system, and whether a store can be kept there.

use std::path::Path;

use super::finding::Finding;
use crate::{cockpit::figures::bytes, run::store};

/// Below this not even a few checkpoints fit.
const LEAST: u64 = 100 << 20;
/// Below this a long run may fill the disk.
const GOOD: u64 = 1 << 30;

/// What is known of the place of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Free bytes for this user.
    pub free: u64,
    /// The magic number of the file system.
    pub kind: u64,
    /// How a store is kept there, or why it cannot be.
    pub store: Result<store::Journal, String>,
}

/// Looks at a folder, or at the nearest one above it that is there.
pub fn folder(name: &'static str, path: &Path) -> Finding {
    let there = path.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match look(there) {
        Ok(place) => judge(name, &shown, &place),
        Err(error) => Finding::fail(name, format!("{}: {error}", shown.display()), "give another folder"),
    }
}

fn look(path: &Path) -> std::io::Result<Place> {
    let status = rustix::fs::statfs(path)?;
    let free = status.f_bavail.saturating_mul(u64::try_from(status.f_bsize).unwrap_or(0));
    let store = store::try_out(path).map_err(|error| error.to_string());
    Ok(Place { free, kind: status.f_type as u64 & 0xffff_ffff, store })
}

/// What a place is good for.
pub fn judge(name: &'static str, path: &Path, place: &Place) -> Finding {
    let journal = match &place.store {
        Ok(store::Journal::WriteAhead) => "write-ahead log possible",
        Ok(store::Journal::Rollback) => "no write-ahead log, the store is slower",
        Err(why) => {
            let found = format!("{}: a store cannot be written there: {why}", path.display());
            return Finding::fail(name, found, remedy(name, "make the folder writable, or take another"));
        }
    };
    let kind = kind(place.kind);
    let found = format!(
        "{}: {} free on {}, {journal}",
        path.display(),
        bytes(place.free as f64),
        kind.unwrap_or("a local file system")
    );
    match kind {
        _ if place.free < LEAST => Finding::fail(name, found, remedy(name, "make room")),
        _ if place.free < GOOD => Finding::warn(name, found, remedy(name, "make room, or lower run.keep_checkpoints")),
        Some("tmpfs") => {
            Finding::warn(name, found, remedy(name, "what is there is gone after a restart, and takes memory"))
        }
        Some(_) if place.store == Ok(store::Journal::Rollback) => Finding::warn(
            name,
            found,
            remedy(name, "network file systems are slow and lock badly; a local disk is better"),
        ),
        Some("NFS" | "SMB") => {
            let advice = "SQLite and locks are not safe on network file systems used from several machines; a local disk is better";
            Finding::warn(name, found, remedy(name, advice))
        }
        _ => Finding::ok(name, found),
    }
}

fn remedy(name: &str, what: &str) -> String {
    let elsewhere = if name == "cache" { "XDG_CACHE_HOME" } else { "--run-dir" };
    format!("{what} ({elsewhere} puts it elsewhere)")
}

/// Kinds of file systems that are worth a word.
fn kind(magic: u64) -> Option<&'static str> {
    match magic {
        0x0102_1994 => Some("tmpfs"),
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("SMB"),
        0x0102_1997 => Some("9p"),
        0x6573_5546 => Some("FUSE"),
        _ => None,
    }
}
