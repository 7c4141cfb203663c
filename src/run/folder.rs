//! A run's folder: `settings.yaml`, `run.db`, `checkpoints/`, `exports/`, and the lock that keeps two trainers apart.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use crate::settings::Settings;

/// A run folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// An operation on a file failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The folder already holds a run.
    #[error("{} already holds a run; continue it with --resume --run-dir {}, or give another --run-dir", .0.display(), .0.display())]
    Taken(PathBuf),
    /// The folder holds no run.
    #[error("{} holds no run (no run.db in it); give the --run-dir of a run that was started", .0.display())]
    NoRun(PathBuf),
    /// Another trainer is at work in the folder.
    #[error("another trainer is using {}; stop it first", .0.display())]
    Locked(PathBuf),
}

/// A run folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    root: PathBuf,
}

/// Keeps other trainers out of a run folder for as long as it lives.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { action, path, source }
}

impl RunFolder {
    /// Makes the folder that a run gets when none is named: `runs/<local time>-<name>`, numbered if that is taken.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create_default(name: &str) -> Result<Self, FolderError> {
        let first = PathBuf::from("runs").join(format!("{}-{name}", jiff::Zoned::now().strftime("%Y%m%d-%H%M%S")));
        let mut path = first.clone();
        for number in 2.. {
            fs::create_dir_all("runs").map_err(io("make", Path::new("runs")))?;
            match fs::create_dir(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    path = PathBuf::from(format!("{}-{number}", first.display()));
                }
                Err(error) => return Err(io("make the run folder", &path)(error)),
            }
        }
        Self::create(&path)
    }

    /// Makes a folder for a new run.
    ///
    /// # Errors
    /// The folder cannot be made, or holds a run.
    pub fn create(root: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(root).map_err(io("make the run folder", root))?;
        let folder = Self { root: fs::canonicalize(root).map_err(io("find", root))? };
        if folder.store().exists() {
            return Err(FolderError::Taken(root.to_owned()));
        }
        for dir in [folder.checkpoints(), folder.exports()] {
            fs::create_dir_all(&dir).map_err(io("make", &dir))?;
        }
        Ok(folder)
    }

    /// Opens the folder of an existing run.
    ///
    /// # Errors
    /// There is no run.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let folder = Self { root: fs::canonicalize(root).map_err(io("open the run folder", root))? };
        if folder.store().is_file() { Ok(folder) } else { Err(FolderError::NoRun(root.to_owned())) }
    }

    /// Takes the trainer's lock; the operating system releases it however the process ends.
    ///
    /// # Errors
    /// Another trainer holds it, or the lock file cannot be made.
    pub fn lock(&self) -> Result<RunLock, FolderError> {
        let path = self.root.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Locked(self.root.clone())),
            Err(TryLockError::Error(e)) => Err(io("lock", &path)(e)),
        }
    }

    /// Writes the resolved settings.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_settings(&self, settings: &Settings) -> Result<(), FolderError> {
        let path = self.settings();
        let text = serde_yaml::to_string(settings).map_err(|e| io("write", &path)(std::io::Error::other(e)))?;
        super::atomic::write(&path, text.as_bytes()).map_err(io("write", &path))
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The resolved settings.
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.yaml")
    }

    /// The event store.
    pub fn store(&self) -> PathBuf {
        self.root.join("run.db")
    }

    /// The log of a run whose screen is taken by the cockpit.
    pub fn log(&self) -> PathBuf {
        self.root.join("trainer.log")
    }

    /// Checkpoints, one folder each.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// Pictures and tables made of the run.
    pub fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_trainer_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        let first = folder.lock().unwrap();
        assert!(matches!(folder.lock(), Err(FolderError::Locked(_))));
        drop(first);
        folder.lock().unwrap();
    }

    #[test]
    fn a_folder_with_a_run_is_not_taken_again_and_one_without_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        assert!(matches!(RunFolder::open(dir.path()), Err(FolderError::NoRun(_))));
        fs::write(folder.store(), "").unwrap();
        assert!(matches!(RunFolder::create(dir.path()), Err(FolderError::Taken(_))));
        assert_eq!(RunFolder::open(dir.path()).unwrap(), folder);
    }

    #[test]
    fn settings_are_read_back_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        let mut settings = Settings::default();
        settings.grpo.beta = 0.125;
        folder.write_settings(&settings).unwrap();
        assert_eq!(Settings::from_file(&folder.settings()).unwrap(), settings);
    }
}
