//! `sqlr1-tui train`: a trainer on a thread of its own, and the cockpit or the headless output before it.

mod args;
mod screen;
mod signals;

use std::{
    io::{IsTerminal, stdout},
    path::Path,
    thread::JoinHandle,
};

pub use args::TrainArgs;
use tokio::sync::oneshot;

use super::{Failure, logging};
use crate::{
    cockpit::CockpitOptions,
    rl::{TrainError, control, session, setup},
    run::{
        bus::Bus,
        event::{EndReason, RunEnded},
        folder::{RunFolder, RunLock},
        reporter::Reporter,
        store::RunStore,
    },
    settings::Settings,
};

/// The trainer's stack: loading and tensor code recurse little, but a thread's default is small for deep iterator chains.
const STACK: usize = 16 << 20;

/// A trainer at work on its thread.
struct Running {
    thread: JoinHandle<Result<RunEnded, TrainError>>,
    ended: oneshot::Receiver<()>,
    remote: control::Remote,
}

/// Trains as the flags say.
///
/// # Errors
/// See [`Failure`].
pub fn train(args: &TrainArgs) -> Result<(), Failure> {
    let settings = args.settings()?;
    let headless = args.headless || !stdout().is_terminal();
    let look = if headless { None } else { Some(look(&settings)?) };
    check_places(&settings)?;
    let (folder, guard) = open_folder(&settings, args.resume)?;
    if headless {
        logging::to_stderr();
    } else {
        logging::to_file(&folder.log())
            .map_err(|e| Failure::Environment(format!("{}: {e}", folder.log().display())))?;
    }
    folder.write_settings(&settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Environment(format!("cannot start the event loop: {e}")))?;
    let bus = Bus::default();
    let screen = look.map(|look| (bus.subscribe(), look));
    let store = RunStore::open(&folder.store()).map_err(|e| Failure::Environment(e.to_string()))?;
    let lines = headless.then(|| Box::new(stdout()) as crate::run::reporter::Lines);
    let reporter = Reporter::new(store, bus.clone(), lines);
    let running = start(settings, folder.clone(), args.resume, reporter)?;
    let signal = match screen {
        None => Ok(runtime.block_on(signals::until_ended(running.ended, &running.remote))),
        Some((viewer, look)) => screen::watch(&runtime, (viewer, &bus), &folder, look, &running.remote),
    };
    let ended = running.thread.join().map_err(|_| Failure::Run("the trainer's thread panicked".into()))?;
    drop(guard);
    finish(ended, signal?, headless, &folder)
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
    Ok((folder, lock))
}

fn start(settings: Settings, folder: RunFolder, resume: bool, reporter: Reporter) -> Result<Running, Failure> {
    let (remote, control) = control::line();
    let (tell_ended, ended) = oneshot::channel();
    let work = move || {
        let result = session::run(&folder, control, reporter, |watch| setup::load(settings, &folder, resume, watch));
        // Nobody may be waiting any more: the cockpit learns of the end from the last event.
        let _ = tell_ended.send(());
        result
    };
    let thread = std::thread::Builder::new().name("trainer".into()).stack_size(STACK).spawn(work);
    let thread = thread.map_err(|e| Failure::Environment(format!("cannot start the trainer's thread: {e}")))?;
    Ok(Running { thread, ended, remote })
}

fn finish(
    ended: Result<RunEnded, TrainError>,
    signal: Option<i32>,
    headless: bool,
    folder: &RunFolder,
) -> Result<(), Failure> {
    let ended = ended?;
    match (ended.reason, signal) {
        (EndReason::Signal, Some(number)) => Err(Failure::Signal(number)),
        (EndReason::Failed, _) => Err(Failure::Run(ended.message.unwrap_or_default())),
        _ => {
            if !headless {
                super::say(&farewell(&ended, folder.root()));
            }
            Ok(())
        }
    }
}

/// What remains on the terminal after the cockpit has gone.
fn farewell(ended: &RunEnded, root: &Path) -> String {
    let done = if ended.reason == EndReason::Completed { "finished" } else { "stopped" };
    let root = root.display();
    format!(
        "{done} after step {}; the run is in {root}\nto go on: sqlr1-tui train --resume --run-dir {root}",
        ended.step
    )
}
