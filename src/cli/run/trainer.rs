//! The trainer of a run: on a thread of its own, while this one serves viewers and waits for signals.

use std::{io::stdout, sync::Arc, thread::JoinHandle};

use tokio::sync::oneshot;

use super::{RunArgs, herald::Herald, signals};
use crate::{
    assets,
    cli::{Failure, logging},
    export::Live,
    harmless::Harmless,
    plot,
    remote::server::Server,
    rl::{
        TrainError,
        control::{self, Control},
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
        reporter::{Lines, Reporter},
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

/// A run that has ended.
pub struct Conducted {
    /// How.
    pub ended: RunEnded,
    /// Its folder.
    pub folder: RunFolder,
    /// The signal that ended it, if one did.
    signal: Option<i32>,
}

impl Conducted {
    /// How it ended, unless a signal did that.
    ///
    /// # Errors
    /// [`Failure::Signal`].
    pub fn unsignalled(self) -> Result<(RunEnded, RunFolder), Failure> {
        self.signal.map_or(Ok((self.ended, self.folder)), |number| Err(Failure::Signal(number)))
    }
}

/// Trains until the run is over or a viewer or a signal ends it.
///
/// # Errors
/// See [`Failure`].
pub fn conduct<L: Learner>(
    args: &RunArgs,
    settings: Settings,
    herald: &mut Herald,
    load: impl Load<L>,
) -> Result<Conducted, Failure> {
    let places = assets::resolve(settings.clone()).map_err(|e| Failure::Environment(e.to_string()))?;
    check_places(&places)?;
    let (folder, guard) = open_folder(&settings, args.resume)?;
    let changes = if args.resume { changed_settings(&folder, &settings)? } else { Vec::new() };
    if !args.resume {
        folder.write_settings(&settings)?;
    }
    log(herald, &folder)?;
    let (store, repaired) = RunStore::take_up(&folder.store()).map_err(|e| Failure::Environment(e.to_string()))?;
    let lines = (!herald.is_detached()).then(|| Box::new(Harmless::json(stdout())) as Lines);
    let profile = args.profile.as_deref().map(|path| {
        Profile::create(path).map_err(|e| Failure::Environment(format!("cannot write {}: {e}", path.display())))
    });
    let bus = Bus::default();
    let reporter = Reporter::new(store, bus.clone(), lines).with_profile(profile.transpose()?);
    let live = Live::start(&settings.report, &folder, &bus);
    let work = Work { settings, places, folder: folder.clone(), resume: args.resume, changes, repaired };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Environment(format!("cannot start the event loop: {e}")))?;
    let ended = runtime.block_on(async {
        let (remote, control) = control::line();
        let server = listen(&folder, bus, &remote, herald)?;
        herald.ready(&folder)?;
        let running = start(work, load, reporter, control)?;
        accompany(running, &remote, server).await
    });
    live.finish();
    drop(guard);
    let (ended, signal) = ended?;
    Ok(Conducted { ended, folder, signal })
}

fn log(herald: &Herald, folder: &RunFolder) -> Result<(), Failure> {
    if herald.is_detached() {
        let log = folder.log();
        return logging::to_file(&log).map_err(|e| Failure::Environment(format!("{}: {e}", log.display())));
    }
    logging::to_stderr();
    Ok(())
}

/// Opens the trainer for viewers. One that a cockpit started is of no use without; any other trains all the same.
fn listen(folder: &RunFolder, bus: Bus, remote: &control::Remote, herald: &Herald) -> Result<Option<Server>, Failure> {
    match Server::bind(folder, bus, Arc::new(remote.clone())) {
        Ok(server) => Ok(Some(server)),
        Err(error) if herald.is_detached() => Err(Failure::Environment(error.to_string())),
        Err(error) => {
            tracing::warn!("nobody can attach to this run: {error}");
            Ok(None)
        }
    }
}

/// Serves viewers and passes signals on until the trainer has ended; how, and the signal that ended it, if one did.
async fn accompany(
    running: Running,
    remote: &control::Remote,
    server: Option<Server>,
) -> Result<(RunEnded, Option<i32>), Failure> {
    let until_ended = signals::until_ended(running.ended, remote);
    let join = |thread: JoinHandle<_>| thread.join().map_err(|_| Failure::Run("the trainer's thread panicked".into()));
    let (signal, ended) = match server {
        None => (until_ended.await, join(running.thread)?),
        Some(mut server) => {
            let signal = server.serve_until(until_ended).await;
            let ended = join(running.thread)?;
            server.close().await;
            (signal, ended)
        }
    };
    let ended = ended?;
    match ended.reason {
        EndReason::Failed => Err(Failure::Run(ended.message.unwrap_or_default())),
        EndReason::Signal => Ok((ended, signal)),
        _ => Ok((ended, None)),
    }
}

/// Finds missing things before a run folder is made for nothing.
fn check_places(settings: &Settings) -> Result<(), Failure> {
    if let Some(model) = settings.model.path.as_ref().filter(|model| !crate::model::locate::is_to_be_fetched(model)) {
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
        Some(path) if resume => {
            let folder = RunFolder::open(path)?;
            folder.require_own()?;
            folder
        }
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

fn start<L: Learner>(work: Work, load: impl Load<L>, reporter: Reporter, control: Control) -> Result<Running, Failure> {
    let (tell_ended, ended) = oneshot::channel();
    let work = move || {
        let folder = work.folder.clone();
        let result = session::run(&folder, control, reporter, |watch| work.load(load, watch));
        if result.as_ref().is_ok_and(|ended| ended.reason.is_done()) {
            export_curves(&folder);
        }
        // Nobody may be waiting any more: the cockpit learns of the end from the last event.
        let _ = tell_ended.send(());
        result
    };
    let thread = std::thread::Builder::new().name("trainer".into()).stack_size(STACK).spawn(work);
    let thread = thread.map_err(|e| Failure::Environment(format!("cannot start the trainer's thread: {e}")))?;
    Ok(Running { thread, ended })
}

/// The curves of a completed run; it is complete without them.
fn export_curves(folder: &RunFolder) {
    let path = folder.exports().join("curves.png");
    let read = RunStore::read_run(&folder.store()).map_err(|e| e.to_string());
    let drawn =
        read.and_then(|read| plot::export_curves(&read.records, &path, &plot::Look::PRINT).map_err(|e| e.to_string()));
    match drawn {
        Ok(()) => tracing::info!("curves: {}", path.display()),
        Err(error) => tracing::warn!("the curves cannot be drawn: {error}"),
    }
}
