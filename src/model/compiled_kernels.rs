//! Compiled kernels, kept between runs: compiling those of a training step takes NVRTC half a minute.
//!
//! `CubeCL` keeps them in a database file (docs/cuda.md). Each build of the program has its own one: a kernel's key there is its
//! name and settings, not its code. It lies in the cache, under `kernels`, and may be deleted at any time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

#[cfg(feature = "cuda")]
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig, cache::CacheConfig};

/// Builds whose kernels are kept, this one among them.
const KEPT: usize = 4;

/// Has kernels kept from now on. Before anything else asks for a GPU: `CubeCL` reads its settings once.
#[cfg(feature = "cuda")]
pub(super) fn keep() {
    static DONE: std::sync::Once = std::sync::Once::new();
    DONE.call_once(|| {
        let folder = crate::dirs::cache().map(|cache| cache.join("kernels"));
        let (Some(folder), Ok(name)) = (folder, build_name()) else { return };
        if let Err(error) = make_room(&folder, &name) {
            tracing::warn!(
                "compiled kernels cannot be kept in {}: {error}; each run compiles its own. Make the folder writable, or set \
                 XDG_CACHE_HOME",
                folder.display()
            );
            return;
        }
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.compilation.cache = true;
        config.environment.name = name;
        config.environment.path = CacheConfig::Directory(folder);
        config.environment.records.level = cubecl::records::RecordLevel::Off;
        // Settings that something read already stay as they are, and then kernels are not kept.
        if !CubeClRuntimeConfig::try_set(config) {
            tracing::debug!("compiled kernels are not kept: CubeCL's settings were read before");
        }
    });
}

/// A name for this executable: its length and when it was written.
#[cfg(any(test, feature = "cuda"))]
fn build_name() -> io::Result<String> {
    let file = fs::metadata(std::env::current_exe()?)?;
    let written = file.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Ok(format!("{}-{:x}-{:x}", env!("CARGO_PKG_VERSION"), file.len(), written.as_nanos()))
}

/// Marks a build's file as used now, and deletes those of other builds that were used the longest time ago.
#[cfg(any(test, feature = "cuda"))]
fn make_room(folder: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let own = folder.join(format!("{name}.db"));
    fs::File::options().append(true).create(true).open(&own)?.set_modified(SystemTime::now())?;
    let mut others: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path != own && path.extension().is_some_and(|extension| extension == "db") {
            others.push((fs::metadata(&path)?.modified()?, path));
        }
    }
    others.sort_unstable_by(|a, b| b.cmp(a));
    for (_, path) in others.into_iter().skip(KEPT - 1) {
        for companion in ["db", "db-wal", "db-shm"] {
            match fs::remove_file(path.with_extension(companion)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_of_the_builds_used_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for (name, age) in [("one", 50), ("two", 40), ("three", 30), ("four", 20), ("five", 10)] {
            let written = SystemTime::now() - Duration::from_secs(age);
            fs::File::create(file(&format!("{name}.db"))).unwrap().set_modified(written).unwrap();
        }
        fs::write(file("one.db-wal"), "").unwrap();
        fs::write(file("notes.txt"), "").unwrap();
        make_room(folder.path(), "one").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["five.db", "four.db", "notes.txt", "one.db", "one.db-wal", "three.db"]);
        make_room(folder.path(), "new").unwrap();
        assert!(file("new.db").exists() && !file("three.db").exists() && file("one.db").exists());
    }

    #[test]
    fn a_build_has_a_name_of_its_own_that_stays() {
        let name = build_name().unwrap();
        assert_eq!(name, build_name().unwrap());
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'), "{name}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("taken"), "").unwrap();
        assert!(make_room(&folder.path().join("taken"), "one").is_err());
    }
}
