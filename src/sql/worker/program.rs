//! Which program workers run, and what they are given.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::WorkerError;

/// The hidden command that turns the program into a worker.
const COMMAND: &str = "sql-worker";
/// What each worker is given of the parent's environment: without it the program may not find its libraries.
const ENVIRONMENT: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
/// The link that leads to a process's own program, even when its file was replaced or deleted.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// The program that workers run: `sqlr1-tui` itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram(PathBuf);

impl WorkerProgram {
    /// The program that is running. Only for `sqlr1-tui`: another program, such as a test's, knows no worker command.
    ///
    /// # Errors
    /// The system does not tell where it is.
    pub fn this() -> Result<Self, WorkerError> {
        // A run of days must not fail because a newer version was installed meanwhile.
        let own = Path::new(OWN_PROGRAM);
        if own.exists() {
            Ok(Self(own.to_owned()))
        } else {
            std::env::current_exe().map(Self).map_err(WorkerError::NoProgram)
        }
    }

    /// A built `sqlr1-tui`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// What a worker may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provisions {
    /// Megabytes of memory beyond what the program takes by itself.
    pub memory_mb: u64,
}

/// The command that starts a worker: without terminal, signals of the terminal's, or environment.
pub fn command(program: &WorkerProgram, provisions: Provisions) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(&program.0);
    command.arg0("sqlr1-tui").arg(COMMAND).arg("--memory-mb").arg(provisions.memory_mb.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // A group of its own: what the terminal sends to the foreground (ctrl-C, ctrl-Z) passes it by.
    command.process_group(0).env_clear();
    command.envs(ENVIRONMENT.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
    // Rust's allocator would reserve a gigabyte of addresses, which count against the limit. In KiB.
    command.env("MIMALLOC_ARENA_RESERVE", "65536");
    command
}
