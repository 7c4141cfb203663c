//! A run: a trainer on a thread of its own, and the cockpit or the headless output before it.

mod args;
mod screen;
mod signals;

use std::{
    io::{IsTerminal, stdout},
    path::Path,
    thread::JoinHandle,
};

pub use args::{RunArgs, require};
use tokio::sync::oneshot;

use super::{Failure, logging};
use crate::{
    assets,
    cockpit::CockpitOptions,
    harmless::Harmless,
    plot,
    rl::{
        TrainError, control,
        learner::Learner,
        session::{self, Loaded},
        watch::Watch,
    },
    run::{
        bus::Bus,
        checkpoint,
        event::{EndReason, LogLevel, RunEnded},
        folder::{RunFolder, RunLock},
        profile::Profile,
        reporter::Reporter,
        store::RunStore,
    },
    settings::Settings,
    sql::{Sandbox, WorkerProgram},
};

/// The trainer's stack: loading and tensor code recurse little, but a thread's default is small for deep iterator chains.
const STACK: usize = 16 << 20;

/// A trainer at work on its thread.
struct Running {
    thread: JoinHandle<Result<RunEnded, TrainError>>,
    ended: oneshot::Receiver<()>,
    remote: control::Remote,
}

/// Builds a trainer from settings, with a sandbox for what it writes, in a run folder, anew or from a checkpoint.
pub trait Load<L>:
    FnOnce(Settings, Sandbox, &RunFolder, bool, &mut dyn Watch) -> Result<Loaded<L>, TrainError> + Send + 'static
{
}

impl<L, F> Load<L> for F where
    F: FnOnce(Settings, Sandbox, &RunFolder, bool, &mut dyn Watch) -> Result<Loaded<L>, TrainError> + Send + 'static
{
}

/// Trains until the run is over or a person or a signal ends it. `command` is what goes on with the run.
///
/// # Errors
/// See [`Failure`].
pub fn conduct<L: Learner>(
    args: &RunArgs,
    settings: Settings,
    command: &str,
    load: impl Load<L>,
) -> Result<(RunEnded, RunFolder), Failure> {
    let headless = args.headless || !stdout().is_terminal();
    let look = if headless { None } else { Some(look(&settings)?) };
    let places = assets::resolve(settings.clone()).map_err(|e| Failure::Environment(e.to_string()))?;
    check_places(&places)?;
    let (folder, guard) = open_folder(&settings, args.resume)?;
    if headless {
        logging::to_stderr();
    } else {
        logging::to_file(&folder.log())
            .map_err(|e| Failure::Environment(format!("{}: {e}", folder.log().display())))?;
    }
    let changes = if args.resume { changed_settings(&folder, &settings)? } else { Vec::new() };
    if !args.resume {
        folder.write_settings(&settings)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Environment(format!("cannot start the event loop: {e}")))?;
    let bus = Bus::default();
    let screen = look.map(|look| (bus.subscribe(), look));
    let (store, repaired) = RunStore::take_up(&folder.store()).map_err(|e| Failure::Environment(e.to_string()))?;
    let lines = headless.then(|| Box::new(Harmless::json(stdout())) as crate::run::reporter::Lines);
    let profile = args.profile.as_deref().map(|path| {
        Profile::create(path).map_err(|e| Failure::Environment(format!("cannot write {}: {e}", path.display())))
    });
    let reporter = Reporter::new(store, bus.clone(), lines).with_profile(profile.transpose()?);
    let work = Work { settings, places, folder: folder.clone(), resume: args.resume, changes, repaired };
    let running = start(work, load, reporter)?;
    let left = match screen {
        None => Ok(None),
        Some((viewer, look)) => screen::watch(&runtime, (viewer, &bus), &folder, look, &running.remote),
    };
    let later = runtime.block_on(signals::until_ended(running.ended, &running.remote));
    let ended = running.thread.join().map_err(|_| Failure::Run("the trainer's thread panicked".into()))?;
    drop(guard);
    Ok((finish(ended, left?.or(later), headless, (&folder, command))?, folder))
}

fn look(settings: &Settings) -> Result<CockpitOptions, Failure> {
    CockpitOptions::from_environment(&settings.ui).map_err(|e| Failure::Usage(e.to_string()))
}

/// Finds missing things before a run folder is made for nothing.
fn check_places(settings: &Settings) -> Result<(), Failure> {
    if let Some(model) = &settings.model.path {
        crate::model::locate(model).map_err(|e| Failure::Environment(e.to_string()))?;
    }
    crate::model::device::choose(&settings.run.device).map_err(|e| Failure::Environment(e.to_string()))?;
    match &settings.data.root {
        Some(root) if !root.is_dir() => Err(Failure::Environment(format!(
            "the data folder {} is not there; point --data at a folder in Spider's layout",
            root.display()
        ))),
        _ => Ok(()),
    }
}

fn open_folder(settings: &Settings, resume: bool) -> Result<(RunFolder, RunLock), Failure> {
    let folder = match &settings.run.dir {
        Some(path) if resume => RunFolder::open(path)?,
        Some(path) => RunFolder::create(path)?,
        None => RunFolder::create_default(&settings.run.name)?,
    };
    let lock = folder.lock()?;
    checkpoint::remove_leftovers(&folder.checkpoints()).map_err(|e| Failure::Environment(e.to_string()))?;
    Ok((folder, lock))
}

/// What a trainer is to do.
struct Work {
    /// As asked for, and as stored.
    settings: Settings,
    /// The same with what is built in replaced by where it was unpacked.
    places: Settings,
    folder: RunFolder,
    resume: bool,
    /// What is set otherwise than when the run was stored.
    changes: Vec<String>,
    /// What became of a damaged store.
    repaired: Option<String>,
}

impl Work {
    fn load<L: Learner>(self, load: impl Load<L>, watch: &mut dyn Watch) -> Result<Loaded<L>, TrainError> {
        let sandbox = Sandbox::in_workers(&self.places.sql, WorkerProgram::this()?)?;
        let mut loaded = load(self.places, sandbox, &self.folder, self.resume, watch)?;
        if self.resume {
            // Only settings that this run can be resumed with replace those it was stored with.
            self.folder.write_settings(&self.settings)?;
        }
        loaded.notes.extend(self.repaired.map(|note| (LogLevel::Warn, note)));
        loaded.notes.extend(
            self.changes.into_iter().map(|change| (LogLevel::Warn, format!("changed for this resumption: {change}"))),
        );
        Ok(loaded)
    }
}

/// What a resumption sets otherwise than the run did.
fn changed_settings(folder: &RunFolder, settings: &Settings) -> Result<Vec<String>, Failure> {
    let stored = Settings::from_file(&folder.settings())?;
    if stored.run.seed != settings.run.seed {
        return Err(Failure::Usage(format!(
            "the run was started with run.seed {}, not {}; a run keeps its seed",
            stored.run.seed, settings.run.seed
        )));
    }
    Ok(stored.differences(settings))
}

fn start<L: Learner>(work: Work, load: impl Load<L>, reporter: Reporter) -> Result<Running, Failure> {
    let (remote, control) = control::line();
    let (tell_ended, ended) = oneshot::channel();
    let work = move || {
        let folder = work.folder.clone();
        let result = session::run(&folder, control, reporter, |watch| work.load(load, watch));
        if result.as_ref().is_ok_and(|ended| ended.reason == EndReason::Completed) {
            export_curves(&folder);
        }
        // Nobody may be waiting any more: the cockpit learns of the end from the last event.
        let _ = tell_ended.send(());
        result
    };
    let thread = std::thread::Builder::new().name("trainer".into()).stack_size(STACK).spawn(work);
    let thread = thread.map_err(|e| Failure::Environment(format!("cannot start the trainer's thread: {e}")))?;
    Ok(Running { thread, ended, remote })
}

/// The curves of a completed run; it is complete without them.
fn export_curves(folder: &RunFolder) {
    let path = folder.exports().join("curves.png");
    let read = RunStore::read_run(&folder.store()).map_err(|e| e.to_string());
    let drawn = read.and_then(|read| plot::export_curves(&read.records, &path).map_err(|e| e.to_string()));
    match drawn {
        Ok(()) => tracing::info!("curves: {}", path.display()),
        Err(error) => tracing::warn!("the curves cannot be drawn: {error}"),
    }
}

fn finish(
    ended: Result<RunEnded, TrainError>,
    signal: Option<i32>,
    headless: bool,
    (folder, command): (&RunFolder, &str),
) -> Result<RunEnded, Failure> {
    let ended = ended?;
    match (ended.reason, signal) {
        (EndReason::Signal, Some(number)) => Err(Failure::Signal(number)),
        (EndReason::Failed, _) => Err(Failure::Run(ended.message.unwrap_or_default())),
        _ => {
            if !headless {
                super::say(&farewell(&ended, folder.root(), command));
            }
            Ok(ended)
        }
    }
}

/// What remains on the terminal after the cockpit has gone.
fn farewell(ended: &RunEnded, root: &Path, command: &str) -> String {
    let done = if ended.reason == EndReason::Completed { "finished" } else { "stopped" };
    let root = root.display();
    format!(
        "{done} after step {}; the run is in {root}\nto go on: sqlr1-tui {command} --resume --run-dir {root}",
        ended.step
    )
}
