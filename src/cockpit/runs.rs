//! Runs in a few words, read from their folders: what `sqlr1-tui runs` lists, and the cockpit's own list.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::state::RunView;
use crate::run::{
    event::{EndReason, Method, RunState},
    folder::{FolderError, RunFolder, STAGES},
    store::{RunStore, StoreError},
};

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A trainer is at work.
    Running,
    /// A trainer waits.
    Paused,
    /// All steps are done.
    Finished,
    /// Stopped by a person or a signal.
    Stopped,
    /// An error ended it.
    Failed,
    /// Its trainer is gone without a word: killed, or the machine went down.
    Killed,
    /// Its folder cannot be read.
    Unreadable,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// How it is.
    pub state: State,
    /// How it trains, once a trainer has loaded it.
    pub method: Option<Method>,
    /// Steps done.
    pub step: u64,
    /// Steps at which it ends.
    pub max_steps: Option<u64>,
    /// Seconds that are left if it goes on as it does, where a trainer is at work.
    pub eta: Option<f64>,
    /// The best held-out execution accuracy.
    pub best_accuracy: Option<f64>,
    /// Bytes of all its files.
    pub bytes: u64,
    /// When it was started, in Unix seconds.
    pub started: Option<f64>,
    /// Why it cannot be read.
    pub error: Option<String>,
}

/// A folder of runs that cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list {}: {source}", folder.display())]
pub struct RunsError {
    folder: PathBuf,
    source: io::Error,
}

/// Events from which a summary is made; what they say of steps that a resumption made void is undone by its `run`.
const TELLING: [&str; 5] = ["run", "state", "step", "eval", "end"];

/// The runs in a folder, the oldest first, the stages of a configuration each by itself; none if it is not there.
///
/// # Errors
/// The folder cannot be listed.
pub fn list(dir: &Path) -> Result<Vec<RunSummary>, RunsError> {
    let cannot = |source: io::Error| RunsError { folder: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(error)),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.map_err(cannot)?.path();
        if path.join("run.db").is_file() {
            runs.push(summary(&path));
        } else if path.join(STAGES).is_file() {
            let stages = list(&path)?.into_iter();
            let parent = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            runs.extend(stages.map(|stage| RunSummary { name: format!("{parent}/{}", stage.name), ..stage }));
        }
    }
    runs.sort_by(|a, b| {
        a.started.unwrap_or(0.0).total_cmp(&b.started.unwrap_or(0.0)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(runs)
}

/// A run that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is known of a run but for its samples.
///
/// # Errors
/// It cannot be read.
pub fn view(path: &Path) -> Result<RunView, Unreadable> {
    Ok(read(path)?.0)
}

fn summary(path: &Path) -> RunSummary {
    let unknown = RunSummary {
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        path: path.to_owned(),
        state: State::Unreadable,
        method: None,
        step: 0,
        max_steps: None,
        eta: None,
        best_accuracy: None,
        bytes: bytes_below(path),
        started: None,
        error: None,
    };
    match read(path) {
        Ok((view, locked, started)) => RunSummary {
            state: state(&view, locked),
            method: view.info().map(|info| info.method),
            step: view.step(),
            max_steps: view.max_steps(),
            eta: view.eta().filter(|_| locked && view.state() == RunState::Running),
            best_accuracy: view.evals().iter().map(|eval| eval.execution_accuracy).max_by(f64::total_cmp),
            started,
            ..unknown
        },
        Err(error) => RunSummary { error: Some(error.to_string()), ..unknown },
    }
}

fn read(path: &Path) -> Result<(RunView, bool, Option<f64>), Unreadable> {
    let folder = RunFolder::open(path)?;
    let locked = folder.is_locked()?;
    let records = RunStore::open_read_only(&folder.store())?.of_kinds(&TELLING)?;
    Ok((RunView::replay(&records), locked, records.first().map(|record| record.time)))
}

fn state(view: &RunView, locked: bool) -> State {
    if locked {
        return if view.state() == RunState::Paused { State::Paused } else { State::Running };
    }
    match view.ended().map(|ended| ended.reason) {
        Some(EndReason::Completed | EndReason::EarlyStopped) => State::Finished,
        Some(EndReason::Stopped | EndReason::Signal) => State::Stopped,
        Some(EndReason::Failed) => State::Failed,
        None => State::Killed,
    }
}

/// Bytes of the files in a folder and below. What cannot be read, or goes away meanwhile, counts nothing.
fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cockpit::fixture::RunBuilder,
        run::event::{Event, StateChanged},
    };

    /// A run folder with a made-up run in it.
    fn folder(root: &Path, name: &str, run: &RunBuilder) -> RunFolder {
        let folder = RunFolder::create(&root.join(name)).unwrap();
        let mut store = RunStore::open(&folder.store()).unwrap();
        for record in run.records().into_iter().filter(|record| record.event.is_stored()) {
            store.append(record.time, record.event).unwrap();
        }
        folder
    }

    fn states(root: &Path) -> Vec<(String, State)> {
        list(root).unwrap().into_iter().map(|run| (run.name, run.state)).collect()
    }

    #[test]
    fn states_follow_from_the_end_and_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        assert!(list(&dir.path().join("missing")).unwrap().is_empty());
        for (name, reason) in
            [("a", EndReason::Completed), ("b", EndReason::Stopped), ("c", EndReason::Failed), ("d", EndReason::Signal)]
        {
            let mut run = RunBuilder::with_steps(3);
            run.end(3, reason);
            folder(dir.path(), name, &run);
        }
        let killed = folder(dir.path(), "e", &RunBuilder::with_steps(3));
        fs::create_dir(dir.path().join("no-run")).unwrap();
        let expected = [State::Finished, State::Stopped, State::Failed, State::Stopped, State::Killed];
        assert_eq!(states(dir.path()).iter().map(|(_, state)| *state).collect::<Vec<_>>(), expected);
        let _guard = killed.lock().unwrap();
        assert_eq!(states(dir.path())[4], ("e".into(), State::Running));
        let mut store = RunStore::open(&killed.store()).unwrap();
        store.append(0.0, Event::State(StateChanged { state: RunState::Paused })).unwrap();
        assert_eq!(states(dir.path())[4].1, State::Paused);
    }

    #[test]
    fn figures_are_those_of_the_run_and_void_steps_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = RunBuilder::with_steps(60);
        run.resume(40);
        folder(dir.path(), "run", &run);
        let [found] = &list(dir.path()).unwrap()[..] else { panic!("one run") };
        let expected = RunView::replay(&run.records());
        assert_eq!((found.step, found.max_steps), (40, expected.max_steps()));
        assert_eq!(found.best_accuracy, Some(7.0 / 32.0), "step 60's better one is void");
        assert_eq!(found.started, run.records().first().map(|record| record.time));
        assert!(found.bytes > 4096 && found.method == Some(Method::Grpo));
    }

    #[test]
    fn a_run_that_cannot_be_read_is_listed_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("odd")).unwrap();
        fs::write(dir.path().join("odd/run.db"), vec![7_u8; 5000]).unwrap();
        let [found] = &list(dir.path()).unwrap()[..] else { panic!("one run") };
        assert_eq!(found.state, State::Unreadable);
        assert!(found.error.as_ref().unwrap().contains("run.db"));
    }
}
