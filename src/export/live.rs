//! Exports while a run trains: threads that read the run's store and send what is new, at their own pace.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use super::{ExportError, Mlflow, TensorBoard};
use crate::{
    run::{
        bus::Bus,
        event::{Event, LogLevel, LogLine, Record},
        folder::RunFolder,
        reporter::now,
        store::RunStore,
    },
    settings::{ReportSettings, ReportTo},
};

/// Time between looks at the store, and the longest time between tries of what fails.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// How long the end of a run waits for what is not sent yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where figures go.
pub trait Target: Send {
    /// What it is, for messages.
    fn name(&self) -> &'static str;

    /// Takes over what is new in the store.
    ///
    /// # Errors
    /// It does not work now; what was not taken over is tried again.
    fn catch_up(&mut self, store: &RunStore) -> Result<(), ExportError>;
}

/// The exporters at work on a run.
pub struct Live {
    followers: Vec<Follower>,
}

struct Follower {
    name: &'static str,
    stop: Sender<()>,
    done: Receiver<()>,
}

impl Live {
    /// Starts those that the settings name. One that cannot be started is told; the run does not mind.
    pub fn start(settings: &ReportSettings, folder: &RunFolder, bus: &Bus) -> Self {
        let mut targets: Vec<Box<dyn Target>> = Vec::new();
        for to in &settings.report_to {
            match to {
                ReportTo::Tensorboard => targets.push(Box::new(TensorBoard::new(&board_folder(settings, folder)))),
                ReportTo::Mlflow => {
                    let uri = settings.mlflow_tracking_uri.as_deref().unwrap_or_default();
                    match Mlflow::new(uri, &settings.mlflow_experiment_name, folder) {
                        Ok(target) => targets.push(Box::new(target)),
                        Err(error) => tell(bus, LogLevel::Warn, format!("nothing goes to MLflow: {error}")),
                    }
                }
            }
        }
        let follow = |target| Follower::start(target, folder.store(), bus.clone(), LOOK);
        Self { followers: targets.into_iter().filter_map(follow).collect() }
    }

    /// Lets them send the rest, for as long as somebody who wants to go home would wait.
    pub fn finish(self) {
        for follower in &self.followers {
            // One that has failed is not there to hear it.
            let _ = follower.stop.send(());
        }
        let until = Instant::now() + PATIENCE;
        for follower in self.followers {
            let left = until.saturating_duration_since(Instant::now());
            if follower.done.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                tracing::warn!("not everything got to {}; sqlr1-tui export sends the rest", follower.name);
            }
        }
    }
}

/// The folder of the run's event file: a folder for each run, as TensorBoard wants it.
fn board_folder(settings: &ReportSettings, folder: &RunFolder) -> PathBuf {
    settings.logging_dir.as_ref().map_or_else(|| folder.root().join("tensorboard"), |dir| dir.join(folder.name()))
}

impl Follower {
    fn start(target: Box<dyn Target>, store: PathBuf, bus: Bus, look: Duration) -> Option<Self> {
        let ((stop, stopped), (tell_done, done)) = (mpsc::channel(), mpsc::channel());
        let name = target.name();
        let work = move || {
            follow(target, &store, &stopped, &bus, look);
            let _ = tell_done.send(());
        };
        let started = thread::Builder::new().name("export".into()).spawn(work);
        started.inspect_err(|e| tracing::warn!("nothing goes to {name}: {e}")).ok().map(|_| Self { name, stop, done })
    }
}

/// Sends until it is told to stop, and once more then. The first failure in a row is told, and the end of it.
fn follow(mut target: Box<dyn Target>, store: &Path, stopped: &Receiver<()>, bus: &Bus, look: Duration) {
    let (mut pause, mut failing) = (look, false);
    loop {
        let last = stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
        let opened = RunStore::open_read_only(store).map_err(ExportError::from);
        match opened.and_then(|store| target.catch_up(&store)) {
            Ok(()) => {
                if failing {
                    tell(bus, LogLevel::Info, format!("{} works again; what was missed is there", target.name()));
                }
                (pause, failing) = (look, false);
            }
            Err(error) => {
                if !failing {
                    tell(bus, LogLevel::Warn, format!("{error}; {} is tried again, training goes on", target.name()));
                }
                (pause, failing) = ((pause * 2).min(LONGEST), true);
            }
        }
        if last {
            if failing {
                tracing::warn!("not everything got to {}; sqlr1-tui export sends the rest", target.name());
            }
            return;
        }
    }
}

/// A line for the log and for those who look on. Not for the store, which belongs to the trainer.
fn tell(bus: &Bus, level: LogLevel, message: String) {
    if level >= LogLevel::Warn {
        tracing::warn!("{message}");
    } else {
        tracing::info!("{message}");
    }
    bus.publish(&Arc::new(Record { seq: 0, time: now(), event: Event::Log(LogLine { level, message }) }));
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Fails a few times, then works.
    struct Moody(Arc<Mutex<u32>>);

    impl Target for Moody {
        fn name(&self) -> &'static str {
            "the moody one"
        }

        fn catch_up(&mut self, _store: &RunStore) -> Result<(), ExportError> {
            let mut tries = self.0.lock().unwrap();
            *tries += 1;
            if *tries <= 3 { Err(ExportError::Empty) } else { Ok(()) }
        }
    }

    #[test]
    fn failures_are_told_once_and_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("run.db");
        drop(RunStore::open(&db).unwrap());
        let (bus, tries) = (Bus::default(), Arc::new(Mutex::new(0)));
        let mut viewer = bus.subscribe().records;
        let look = Duration::from_millis(2);
        let follower = Follower::start(Box::new(Moody(Arc::clone(&tries))), db, bus.clone(), look).unwrap();
        let told = |record: &Record| match &record.event {
            Event::Log(line) => line.message.clone(),
            other => panic!("{other:?}"),
        };
        let first = told(&viewer.blocking_recv().unwrap());
        assert!(first.contains("the moody one is tried again"), "{first}");
        let second = told(&viewer.blocking_recv().unwrap());
        assert!(second.contains("works again"), "{second}");
        Live { followers: vec![follower] }.finish();
        assert!(*tries.lock().unwrap() >= 5, "and once more at the end");
        assert!(viewer.try_recv().is_err(), "nothing else was told");
    }
}
