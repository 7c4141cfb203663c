//! A run's folder: `settings.yaml`, `run.db`, `checkpoints/`, `exports/`, and the lock that keeps two trainers apart.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
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
    /// The folder is somebody else's.
    #[error("{} belongs to another user (uid {owner}): it can be looked at (attach, export), not trained in", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
}

/// The folder, in the working folder, in which runs get theirs unless told otherwise.
pub const RUNS: &str = "runs";
/// The file that makes a folder one of several runs, the stages of one configuration: its settings.
pub const STAGES: &str = "stages.yaml";
/// The folder, in that of a grid, in which its cells have theirs.
pub const CELLS: &str = "cells";
/// How often the lock is tried: who only looks whether a trainer is at work holds it for a moment.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(40);

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

/// Makes an empty folder `runs/<local time>-<name>`, numbered if that is taken.
///
/// # Errors
/// It cannot be made.
pub fn make_default(name: &str) -> Result<PathBuf, FolderError> {
    let first = PathBuf::from(RUNS).join(format!("{}-{name}", jiff::Zoned::now().strftime("%Y%m%d-%H%M%S")));
    let mut path = first.clone();
    for number in 2.. {
        fs::create_dir_all(RUNS).map_err(io("make", Path::new(RUNS)))?;
        match fs::create_dir(&path) {
            Ok(()) => break,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                path = PathBuf::from(format!("{}-{number}", first.display()));
            }
            Err(error) => return Err(io("make the run folder", &path)(error)),
        }
    }
    Ok(path)
}

/// The folder of all stages, where the run in `root` is one of them.
pub fn of_all_stages(root: &Path) -> Option<&Path> {
    root.parent().filter(|parent| parent.join(STAGES).is_file())
}

impl RunFolder {
    /// Makes the folder that a run gets when none is named.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create_default(name: &str) -> Result<Self, FolderError> {
        Self::create(&make_default(name)?)
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
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(RunLock { _file: file }),
                Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(e)) => return Err(io("lock", &path)(e)),
            }
        }
        Err(FolderError::Locked(self.root.clone()))
    }

    /// Whether a trainer is at work in the folder, on this machine or wherever the file system passes locks on to. Writes nothing.
    ///
    /// # Errors
    /// The lock file cannot be read, or the file system knows no locks.
    pub fn is_locked(&self) -> Result<bool, FolderError> {
        let path = self.root.join("lock");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(io("open", &path)(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(e)) => Err(io("look at the lock", &path)(e)),
        }
    }

    /// Makes sure that the folder is this user's, so that it may be written to.
    ///
    /// # Errors
    /// It is somebody else's, or the system does not say whose.
    pub fn require_own(&self) -> Result<(), FolderError> {
        let owner = fs::metadata(&self.root).map_err(io("look at", &self.root))?.uid();
        if owner == rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        Err(FolderError::Foreign { path: self.root.clone(), owner })
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

    /// The run's name among others: its folder's, below that of the whole where it is a stage or a cell of a grid, whose folders are
    /// named alike everywhere.
    pub fn name(&self) -> PathBuf {
        let own = self.root.file_name().map_or(Path::new("run"), Path::new);
        let parent = self.root.parent();
        let cells = parent.filter(|parent| parent.file_name().is_some_and(|name| name == CELLS));
        let whole = of_all_stages(&self.root).or(cells.and_then(Path::parent)).and_then(Path::file_name);
        whole.map_or_else(|| own.to_owned(), |whole| Path::new(whole).join(own))
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

    /// Where and how the trainer at work can be attached to.
    pub fn note(&self) -> PathBuf {
        self.root.join("trainer.json")
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
        assert!(folder.is_locked().unwrap());
        drop(first);
        assert!(!folder.is_locked().unwrap());
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
    fn a_folder_is_its_makers() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        folder.require_own().unwrap();
        if std::os::unix::fs::chown(dir.path(), Some(65534), None).is_err() {
            println!("skipped: only root can give a folder away");
            return;
        }
        assert!(matches!(folder.require_own(), Err(FolderError::Foreign { owner: 65534, .. })));
    }

    #[test]
    fn stages_and_cells_are_named_after_the_whole_too() {
        let dir = tempfile::tempdir().unwrap();
        let name = |root: &str| RunFolder::create(&dir.path().join(root)).unwrap().name();
        fs::create_dir(dir.path().join("whole")).unwrap();
        fs::write(dir.path().join("whole").join(STAGES), "").unwrap();
        assert_eq!(name("single"), Path::new("single"));
        assert_eq!(name("whole/1-sft"), Path::new("whole/1-sft"));
        assert_eq!(name("grid/cells/a"), Path::new("grid/a"));
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
