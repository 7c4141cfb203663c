//! What a worker does to itself before it reads its first query.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

use super::{inherited, program::Provisions};

/// Processor time that a query may take beyond its wall-clock limit, in seconds: the limit counts whole ones.
const SPARE_CPU: u64 = 2;
/// Bytes of a file that a worker may write to: SQLite needs an index beside a write-ahead log to read it, and nothing else.
const LARGEST_FILE: u64 = 4 << 20;
/// Signals meant for the parent, by which a worker must not end while its parent wants an answer.
const DEAF_TO: [i32; 3] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTSTP, signal_hook::consts::SIGXFSZ];

/// Gives up what a worker does not need: what its parent left open, memory beyond its provisions, large files, core
/// dumps, signals.
///
/// # Errors
/// The system refuses a limit.
pub fn confine(provisions: Provisions) -> io::Result<()> {
    inherited::close_all()?;
    for signal in DEAF_TO {
        // A flag that nobody looks at: ignoring a signal outright takes unsafe code.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, LARGEST_FILE)?;
    // Other systems count addresses in other ways, or not at all.
    if cfg!(target_os = "linux") {
        let taken = memory_stats::memory_stats().map_or(0, |stats| stats.virtual_mem as u64);
        limit(Resource::As, taken + (provisions.memory_mb << 20))?;
    }
    Ok(())
}

/// Ends the process as soon as nobody holds the other end of stdin any more: its parent is gone, however it ended, and
/// whatever the worker is doing.
///
/// # Errors
/// There is no thread for it.
pub fn end_with_parent() -> io::Result<()> {
    let wait = || {
        let stdin = io::stdin();
        // No event is asked for; that the other end has closed is told always.
        while !matches!(poll(&mut [PollFd::new(&stdin, PollFlags::empty())], None), Ok(count) if count > 0) {}
        std::process::exit(0);
    };
    thread::Builder::new().name("sql-parent".into()).stack_size(64 << 10).spawn(wait).map(|_| ())
}

/// The processor time at which the system ends this process.
#[derive(Debug, Default)]
pub struct ProcessorTime {
    granted: Option<u64>,
}

impl ProcessorTime {
    /// Sets it to a little after what a query may take from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn grant(&mut self, timeout: Duration) -> io::Result<()> {
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.cast_unsigned();
        let current = Some(used + timeout.as_secs() + SPARE_CPU);
        if self.granted != current {
            setrlimit(Resource::Cpu, Rlimit { current, maximum: getrlimit(Resource::Cpu).maximum })?;
            self.granted = current;
        }
        Ok(())
    }
}

fn limit(resource: Resource, wanted: u64) -> io::Result<()> {
    // What was forbidden to us before stays forbidden.
    let most = getrlimit(resource).maximum.map_or(wanted, |maximum| maximum.min(wanted));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
