//! Checkpoint folders: written whole or not at all, checked by hash when read, never replaced by something worse.
//!
//! A checkpoint is a folder `checkpoints/step-00000020` with whatever files its writer puts there and a `manifest.json` that lists
//! them with size and sha256. It is written under a temporary name, synced, and renamed.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{atomic, event::CheckpointReason, room};
use crate::inside;

/// Version of the checkpoint layout.
pub const CHECKPOINT_VERSION: u32 = 1;

const MANIFEST: &str = "manifest.json";

/// A checkpoint that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// An operation on a file failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file of the checkpoint is not as it was written.
    #[error("checkpoint {} is damaged: {why}", path.display())]
    Damaged {
        /// The checkpoint's folder.
        path: PathBuf,
        /// Which file, and how.
        why: String,
    },
    /// The writer of the checkpoint's content failed.
    #[error("cannot fill the checkpoint {}: {source}", path.display())]
    Fill {
        /// The folder being filled.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CheckpointError {
    /// Whether it can be written later: there is only no room for it on the disk.
    pub fn can_wait(&self) -> bool {
        let (Self::Io { path, .. } | Self::Fill { path, .. }) = self else { return false };
        // The folder being filled is gone by now.
        let there = path.ancestors().find(|path| path.exists());
        there.is_some_and(|there| room::is_wanting(self, there))
    }
}

/// What a checkpoint holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`CHECKPOINT_VERSION`].
    pub version: u32,
    /// Steps trained.
    pub step: u64,
    /// Why it was written.
    pub reason: CheckpointReason,
    /// What the person who asked for it says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Size and sha256 of every other file, by name relative to the folder.
    pub files: BTreeMap<String, FileEntry>,
}

/// A file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its size.
    pub bytes: u64,
    /// Its sha256, in hexadecimal.
    pub sha256: String,
}

/// A checkpoint on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its folder.
    pub path: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
}

impl Checkpoint {
    /// Bytes of all its files but the manifest.
    pub fn bytes(&self) -> u64 {
        self.manifest.files.values().map(|f| f.bytes).sum()
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |source| CheckpointError::Io { action, path, source }
}

/// Writes the checkpoint of `step`. `fill` puts its files into the folder it is given. A valid checkpoint of the same step is
/// replaced, but for its reason if that is the stronger one; a damaged one is moved aside.
///
/// # Errors
/// A file cannot be written; what was there before still is.
pub fn write(
    checkpoints: &Path,
    step: u64,
    reason: CheckpointReason,
    fill: impl FnOnce(&Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
) -> Result<Checkpoint, CheckpointError> {
    let path = checkpoints.join(name(step));
    let there = if path.exists() { read(&path).ok() } else { None };
    if there.is_none() && path.exists() {
        set_aside(&path, "damaged")?;
    }
    let temporary = checkpoints.join(format!(".step-{step:08}.{}.tmp", std::process::id()));
    let reason = there.as_ref().map_or(reason, |there| stronger(there.manifest.reason, reason));
    let note = there.as_ref().and_then(|there| there.manifest.note.clone());
    let label = Manifest { version: CHECKPOINT_VERSION, step, reason, note, files: BTreeMap::new() };
    let written = write_folder(&temporary, label, fill).and_then(|manifest| match there {
        None => fs::rename(&temporary, &path).map(|()| manifest).map_err(io_error("rename", &temporary)),
        Some(there) => replace(there, &temporary, manifest),
    });
    match written {
        Ok(manifest) => {
            atomic::sync_parent(&path).map_err(io_error("sync", checkpoints))?;
            Ok(Checkpoint { path, manifest })
        }
        Err(error) => {
            // The error already under way says more than a failure to tidy up after it.
            let _ = fs::remove_dir_all(&temporary);
            Err(error)
        }
    }
}

/// Puts a new checkpoint in the place of one of the same step that holds something else, as when an evaluation came after it. At no
/// moment is there none. Where the file system cannot do that, the old one stays, with the new one's reason.
fn replace(mut there: Checkpoint, temporary: &Path, manifest: Manifest) -> Result<Manifest, CheckpointError> {
    let same = there.manifest.files == manifest.files;
    let exchange = || renameat_with(CWD, temporary, CWD, &there.path, RenameFlags::EXCHANGE);
    let replaced = !same && exchange().is_ok();
    if !replaced && there.manifest.reason != manifest.reason {
        there.manifest.reason = manifest.reason;
        write_manifest(&there.path, &there.manifest)?;
    }
    // What is left over now is no checkpoint by its name, and is cleared away at the next start if not now.
    if let Err(error) = fs::remove_dir_all(temporary) {
        tracing::warn!("{} cannot be removed: {error}", temporary.display());
    }
    Ok(if replaced { manifest } else { there.manifest })
}

/// Writes what is said of a checkpoint into its manifest.
///
/// # Errors
/// The manifest cannot be written.
pub fn annotate(checkpoint: &mut Checkpoint, note: String) -> Result<(), CheckpointError> {
    checkpoint.manifest.note = Some(note);
    write_manifest(&checkpoint.path, &checkpoint.manifest)
}

/// Renames the checkpoints of later steps, so that none of them is taken up any more and their steps can be written again. Returns what
/// they are called now.
///
/// # Errors
/// A folder cannot be listed or renamed.
pub fn set_aside_after(checkpoints: &Path, step: u64) -> Result<Vec<PathBuf>, CheckpointError> {
    let later =
        folders(checkpoints)?.into_iter().filter(|path| path.as_path() > checkpoints.join(name(step)).as_path());
    later.map(|path| set_aside(&path, "void")).collect()
}

/// A checkpoint that was asked for is kept longer than a periodic one of the same step.
fn stronger(there: CheckpointReason, wanted: CheckpointReason) -> CheckpointReason {
    if strength(there) < strength(wanted) { wanted } else { there }
}

/// How much a checkpoint is kept from deletion.
fn strength(reason: CheckpointReason) -> u8 {
    match reason {
        CheckpointReason::Periodic => 0,
        CheckpointReason::Best => 1,
        CheckpointReason::Manual | CheckpointReason::Final => 2,
    }
}

/// The folder of a step's checkpoint, if it is there.
pub fn of_step(checkpoints: &Path, step: u64) -> Option<PathBuf> {
    Some(checkpoints.join(name(step))).filter(|path| path.is_dir())
}

fn name(step: u64) -> String {
    format!("step-{step:08}")
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<(), CheckpointError> {
    let path = folder.join(MANIFEST);
    let text = serde_json::to_vec_pretty(manifest).map_err(|e| io_error("write", &path)(io::Error::other(e)))?;
    atomic::write(&path, &text).map_err(io_error("write", &path))
}

/// Removes what a trainer that was killed while it wrote a checkpoint has left. Only for the holder of the run's lock.
///
/// # Errors
/// A folder cannot be listed or removed.
pub fn remove_leftovers(checkpoints: &Path) -> Result<(), CheckpointError> {
    for entry in fs::read_dir(checkpoints).map_err(io_error("list", checkpoints))? {
        let path = entry.map_err(io_error("list", checkpoints))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(".step-") && path.extension().is_some_and(|e| e == "tmp") {
            fs::remove_dir_all(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

fn write_folder(
    folder: &Path,
    label: Manifest,
    fill: impl FnOnce(&Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
) -> Result<Manifest, CheckpointError> {
    fs::create_dir_all(folder).map_err(io_error("make", folder))?;
    fill(folder).map_err(|source| CheckpointError::Fill { path: folder.to_owned(), source })?;
    let mut files = BTreeMap::new();
    for (name, path) in files_below(folder)? {
        File::open(&path).and_then(|f| f.sync_all()).map_err(io_error("sync", &path))?;
        files.insert(name, entry(&path)?);
    }
    let manifest = Manifest { files, ..label };
    write_manifest(folder, &manifest)?;
    Ok(manifest)
}

/// Reads the manifest of a checkpoint and checks every file against it.
///
/// # Errors
/// A file is missing, cut short or altered.
pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let damaged = |why: String| CheckpointError::Damaged { path: path.to_owned(), why };
    let text = fs::read(path.join(MANIFEST)).map_err(|e| damaged(format!("{MANIFEST}: {e}")))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| damaged(format!("{MANIFEST}: {e}")))?;
    if manifest.version != CHECKPOINT_VERSION {
        return Err(damaged(format!("it has version {}, this program reads {CHECKPOINT_VERSION}", manifest.version)));
    }
    for (name, expected) in &manifest.files {
        let file =
            inside::join(path, name).ok_or_else(|| damaged(format!("{name:?} points outside the checkpoint")))?;
        if inside::is_within(path, &file).is_ok_and(|within| !within) {
            return Err(damaged(format!("{name:?} is a link out of the checkpoint")));
        }
        let found = entry(&file).map_err(|e| damaged(e.to_string()))?;
        if found != *expected {
            return Err(damaged(format!(
                "{name} is not as it was written ({} bytes, {} expected)",
                found.bytes, expected.bytes
            )));
        }
    }
    Ok(Checkpoint { path: path.to_owned(), manifest })
}

/// The newest valid checkpoint, and what is wrong with every newer one.
///
/// # Errors
/// The folder of checkpoints cannot be listed.
pub fn newest(checkpoints: &Path) -> Result<(Option<Checkpoint>, Vec<CheckpointError>), CheckpointError> {
    let mut damaged = Vec::new();
    for path in folders(checkpoints)?.into_iter().rev() {
        match read(&path) {
            Ok(checkpoint) => return Ok((Some(checkpoint), damaged)),
            Err(error) => damaged.push(error),
        }
    }
    Ok((None, damaged))
}

/// Makes periodic ones of the best checkpoints of other steps than this, which is better.
///
/// # Errors
/// A folder cannot be listed, or a manifest not be written.
pub fn demote_others(checkpoints: &Path, best: u64) -> Result<(), CheckpointError> {
    for path in folders(checkpoints)? {
        let manifest = fs::read(path.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(mut manifest @ Manifest { reason: CheckpointReason::Best, .. }) = manifest
            && manifest.step != best
        {
            manifest.reason = CheckpointReason::Periodic;
            write_manifest(&path, &manifest)?;
        }
    }
    Ok(())
}

/// Deletes all but the newest `keep` periodic checkpoints. The best one, those asked for, and final ones, stay.
///
/// # Errors
/// A folder cannot be listed or removed.
pub fn prune(checkpoints: &Path, keep: usize) -> Result<(), CheckpointError> {
    let mut periodic = Vec::new();
    for path in folders(checkpoints)? {
        let manifest =
            fs::read(path.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
        if manifest.is_some_and(|m| m.reason == CheckpointReason::Periodic) {
            periodic.push(path);
        }
    }
    let surplus = periodic.len().saturating_sub(keep);
    for path in &periodic[..surplus] {
        fs::remove_dir_all(path).map_err(io_error("remove", path))?;
    }
    Ok(())
}

/// Renames a checkpoint that is `how`, so that its step can be written again and nothing is lost.
fn set_aside(path: &Path, how: &str) -> Result<PathBuf, CheckpointError> {
    let aside = (0..1000).map(|n| path.with_extension(format!("{how}-{n}"))).find(|p| !p.exists());
    let aside = aside.unwrap_or_else(|| path.with_extension(how));
    fs::rename(path, &aside).map_err(io_error("set aside", path))?;
    Ok(aside)
}

fn folders(checkpoints: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(checkpoints).map_err(io_error("list", checkpoints))? {
        let entry = entry.map_err(io_error("list", checkpoints))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix("step-").is_some_and(|n| n.len() >= 8 && n.bytes().all(|b| b.is_ascii_digit())) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>, CheckpointError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let entry = entry.map_err(io_error("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let inner = files_below(&entry.path())?;
            found.extend(inner.into_iter().map(|(inner, path)| (format!("{name}/{inner}"), path)));
        } else {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn entry(path: &Path) -> Result<FileEntry, CheckpointError> {
    let mut file = File::open(path).map_err(io_error("open", path))?;
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0_u8; 1 << 16]);
    loop {
        let n = file.read(&mut buffer).map_err(io_error("read", path))?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
    let sha256 = hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Ok(FileEntry { bytes, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckpointReason::{Manual, Periodic};

    fn save(root: &Path, step: u64, reason: CheckpointReason, content: &str) -> Checkpoint {
        write(root, step, reason, |dir| {
            fs::create_dir(dir.join("reference"))?;
            fs::write(dir.join("reference/a.bin"), "r")?;
            Ok(fs::write(dir.join("adapter"), content)?)
        })
        .unwrap()
    }

    #[test]
    fn the_newest_valid_one_is_found_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let old = save(dir.path(), 9, Periodic, "nine");
        let new = save(dir.path(), 10, Periodic, "ten");
        assert_eq!(newest(dir.path()).unwrap().0.unwrap(), new);
        for damage in ["tem", "te", ""] {
            fs::write(new.path.join("adapter"), damage).unwrap();
            let (found, damaged) = newest(dir.path()).unwrap();
            assert_eq!(found.unwrap(), old);
            assert!(damaged.len() == 1 && damaged[0].to_string().contains("adapter"), "{damaged:?}");
        }
        fs::remove_file(new.path.join(MANIFEST)).unwrap();
        assert_eq!(newest(dir.path()).unwrap().0.unwrap(), old);
    }

    #[test]
    fn a_manifest_leads_nowhere_else() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let saved = save(dir.path(), 3, Manual, "three");
        let secret = other.path().join("secret");
        fs::write(&secret, "three").unwrap();
        let told = |names: &[&str]| {
            let mut manifest = saved.manifest.clone();
            let entry = manifest.files["adapter"].clone();
            manifest.files = names.iter().map(|name| ((*name).to_owned(), entry.clone())).collect();
            write_manifest(&saved.path, &manifest).unwrap();
            read(&saved.path).map_err(|error| error.to_string())
        };
        let relative = format!("../../{}/secret", other.path().file_name().unwrap().to_string_lossy());
        for name in [secret.to_str().unwrap(), relative.as_str(), "reference/../../x", "."] {
            let error = told(&[name]).unwrap_err();
            assert!(error.contains("points outside the checkpoint"), "{error}");
        }
        std::os::unix::fs::symlink(&secret, saved.path.join("link")).unwrap();
        std::os::unix::fs::symlink(other.path(), saved.path.join("folder")).unwrap();
        for name in ["link", "folder/secret"] {
            let error = told(&[name]).unwrap_err();
            assert!(error.contains("link out of the checkpoint"), "{error}");
        }
        std::os::unix::fs::symlink("adapter", saved.path.join("within")).unwrap();
        assert!(told(&["adapter", "within"]).is_ok());
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let failed = write(dir.path(), 1, Manual, |d| {
            fs::write(d.join("half"), "x")?;
            Err("disk full".into())
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_gives_way_to_what_came_later_and_a_damaged_one_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let first = save(dir.path(), 5, Manual, "first");
        assert_eq!(save(dir.path(), 5, Periodic, "first"), first);
        let later = save(dir.path(), 5, Periodic, "later");
        assert_eq!(fs::read_to_string(later.path.join("adapter")).unwrap(), "later", "what came after it is in it");
        assert_eq!((later.manifest.reason, read(&later.path).unwrap()), (Manual, later.clone()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left over");
        fs::write(first.path.join("adapter"), "bad").unwrap();
        let second = save(dir.path(), 5, Manual, "second");
        assert_eq!(fs::read_to_string(second.path.join("adapter")).unwrap(), "second");
        assert_eq!(fs::read_to_string(dir.path().join("step-00000005.damaged-0/adapter")).unwrap(), "bad");
    }

    #[test]
    fn a_periodic_one_that_is_asked_for_is_spared_too() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), 2, Periodic, "x");
        assert_eq!(save(dir.path(), 2, Manual, "x").manifest.reason, Manual);
        assert_eq!(save(dir.path(), 2, Periodic, "x").manifest.reason, Manual);
        save(dir.path(), 4, Periodic, "x");
        prune(dir.path(), 1).unwrap();
        assert_eq!(folders(dir.path()).unwrap().len(), 2);
    }

    #[test]
    fn leftovers_of_a_killed_writer_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let kept = save(dir.path(), 2, Periodic, "x");
        fs::create_dir(dir.path().join(".step-00000003.17.tmp")).unwrap();
        fs::write(dir.path().join(".step-00000003.17.tmp/half"), "x").unwrap();
        remove_leftovers(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(read(&kept.path).unwrap(), kept);
    }

    #[test]
    fn the_best_one_stays_beside_the_newest_until_it_is_beaten() {
        let dir = tempfile::tempdir().unwrap();
        let left = || folders(dir.path()).unwrap().iter().map(|p| read(p).unwrap().manifest.step).collect::<Vec<_>>();
        save(dir.path(), 2, CheckpointReason::Best, "x");
        for step in [2, 4, 6, 8] {
            save(dir.path(), step, Periodic, "x");
            prune(dir.path(), 2).unwrap();
        }
        assert_eq!(left(), [2, 6, 8]);
        save(dir.path(), 10, CheckpointReason::Best, "x");
        demote_others(dir.path(), 10).unwrap();
        prune(dir.path(), 2).unwrap();
        assert_eq!(left(), [6, 8, 10], "what was best is an old one now");
        assert_eq!(of_step(dir.path(), 10), Some(dir.path().join("step-00000010")));
        assert_eq!(of_step(dir.path(), 2), None);
    }

    #[test]
    fn pruning_spares_what_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        for (step, reason) in [(1, Periodic), (2, Manual), (3, Periodic), (4, Periodic), (5, CheckpointReason::Final)] {
            save(dir.path(), step, reason, "x");
        }
        prune(dir.path(), 1).unwrap();
        let left: Vec<_> = folders(dir.path()).unwrap().iter().map(|p| read(p).unwrap().manifest.step).collect();
        assert_eq!(left, [2, 4, 5]);
    }
}
