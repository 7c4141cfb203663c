//! A folder inside the program → a folder on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use include_dir::Dir;
use sha2::{Digest, Sha256};

use super::AssetError;
use crate::run::atomic;

/// Unpacks `files` below `cache`, into a folder named after their content; does nothing where that was done already and no file has
/// been changed or lost since.
pub(super) fn unpack(files: &Dir<'_>, cache: &Path) -> Result<PathBuf, AssetError> {
    let folder = cache.join(format!("demo-{}", fingerprint(files)));
    let wrap = |source| AssetError::Unpack { path: folder.clone(), source };
    let mut all = Vec::new();
    collect(files, &mut all);
    for (path, content) in all {
        let target = folder.join(path);
        if fs::read(&target).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(wrap)?;
        }
        write_once(&target, content).map_err(wrap)?;
    }
    Ok(folder)
}

/// Several programs may unpack at a time: each replaces the file by the same content, whole.
fn write_once(target: &Path, content: &[u8]) -> io::Result<()> {
    atomic::write(target, content)
}

fn collect<'a>(dir: &Dir<'a>, all: &mut Vec<(&'a Path, &'a [u8])>) {
    all.extend(dir.files().map(|file| (file.path(), file.contents())));
    for inner in dir.dirs() {
        collect(inner, all);
    }
}

fn fingerprint(files: &Dir<'_>) -> String {
    let mut all = Vec::new();
    collect(files, &mut all);
    all.sort_unstable_by_key(|(path, _)| *path);
    let mut hasher = Sha256::new();
    for (path, content) in all {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update((content.len() as u64).to_le_bytes());
        hasher.update(content);
    }
    hasher.finalize().iter().take(6).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::DEMO_FILES;

    #[test]
    fn unpacks_once_and_repairs_what_was_changed() {
        let cache = tempfile::tempdir().unwrap();
        let folder = unpack(&DEMO_FILES, cache.path()).unwrap();
        let dev = folder.join("dev.json");
        let content = fs::read(&dev).unwrap();
        let written = fs::metadata(&dev).unwrap().modified().unwrap();
        assert_eq!(unpack(&DEMO_FILES, cache.path()).unwrap(), folder);
        assert_eq!(fs::metadata(&dev).unwrap().modified().unwrap(), written, "nothing is written twice");
        fs::write(&dev, "spoilt").unwrap();
        unpack(&DEMO_FILES, cache.path()).unwrap();
        assert_eq!(fs::read(&dev).unwrap(), content);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let cache = tempfile::tempdir().unwrap();
        let file = cache.path().join("file");
        fs::write(&file, "").unwrap();
        let error = unpack(&DEMO_FILES, &file).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
}
