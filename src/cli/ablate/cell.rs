//! A cell at work: `sqlr1-tui train` in a process of its own, so that nothing of one cell is left for the next, and one that dies takes
//! nobody with it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cli::Failure,
    run::{
        event::{Event, RunEnded},
        folder::RunFolder,
        store::RunStore,
    },
    settings::Settings,
    sql::WorkerProgram,
};

/// How often it is looked whether a cell has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Where a cell is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its run folder.
    pub run: PathBuf,
    /// Its settings.
    config: PathBuf,
    /// What its trainer says.
    log: PathBuf,
}

impl Place {
    /// The place of a cell of this name in the folder of the grid's cells.
    pub fn new(cells: &Path, name: &str) -> Self {
        let file = |end: &str| cells.join(format!("{name}.{end}"));
        Self { run: cells.join(name), config: file("yaml"), log: file("log") }
    }

    /// How the cell's run ended the last time, if it did.
    pub fn ended(&self) -> Option<RunEnded> {
        if !self.run.join("run.db").is_file() {
            return None;
        }
        let store = RunFolder::open(&self.run).ok()?.store();
        let last = RunStore::open_read_only(&store).and_then(|store| store.of_kinds(&["run", "end"])).ok()?.pop()?;
        if let Event::End(ended) = last.event { Some(ended) } else { None }
    }

    /// Makes sure that what is here is of these settings, and writes them down.
    ///
    /// # Errors
    /// The cell was run with others.
    pub fn settle(&self, settings: &Settings) -> Result<(), Failure> {
        if self.config.is_file() {
            let changed = Settings::from_file(&self.config)?.differences(settings);
            if !changed.is_empty() {
                let (config, changed) = (self.config.display(), changed.join(", "));
                return Err(Failure::Usage(format!("{config} is of another grid ({changed}); give another --out")));
            }
        }
        let cannot =
            |e: &dyn std::fmt::Display| Failure::Environment(format!("cannot write {}: {e}", self.config.display()));
        let text = serde_yaml::to_string(settings).map_err(|e| cannot(&e))?;
        let made = self.config.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| crate::run::atomic::write(&self.config, text.as_bytes())).map_err(|e| cannot(&e))
    }

    /// Trains the cell to its end, from where it was left.
    ///
    /// # Errors
    /// It cannot be started, or a signal came: the cell has saved and ended then.
    pub fn train(&self, signals: &Signals) -> Result<ExitStatus, Failure> {
        let cannot = |e: std::io::Error| Failure::Environment(format!("cannot run a cell of the grid: {e}"));
        let log = File::options().create(true).append(true).open(&self.log).map_err(cannot)?;
        let mut command = Command::new(WorkerProgram::this()?.path());
        std::os::unix::process::CommandExt::arg0(&mut command, "sqlr1-tui");
        command.args(["train", "--headless", "--config"]).arg(&self.config).arg("--run-dir").arg(&self.run);
        if self.run.join("run.db").is_file() {
            command.arg("--resume");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().map_err(cannot)?;
        signals.wait(&mut child)
    }

    /// The last line of the log, which says why a cell failed.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it left no word").to_owned()
    }
}

/// SIGINT, SIGTERM and SIGHUP, which end the cell at work and then the grid.
pub struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Starts to catch them.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> Result<Self, Failure> {
        let caught = Arc::<AtomicUsize>::default();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let number = signal.as_raw();
            signal_hook::flag::register_usize(number, Arc::clone(&caught), number as usize)
                .map_err(|e| Failure::Environment(format!("cannot catch signals: {e}")))?;
        }
        Ok(Self(caught))
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, Failure> {
        let cannot = |e: std::io::Error| Failure::Run(format!("a cell of the grid is lost: {e}"));
        let mut told = 0;
        loop {
            if let Some(status) = child.try_wait().map_err(cannot)? {
                return if told == 0 { Ok(status) } else { Err(Failure::Signal(told)) };
            }
            let caught = self.0.load(Ordering::Relaxed) as i32;
            if caught != 0 && told == 0 {
                told = caught;
                // It may have ended by itself just now.
                let _ = kill_process(Pid::from_child(child), Signal::TERM);
            }
            thread::sleep(LOOK);
        }
    }
}
