//! As many workers as are wanted, for any number of threads.

use std::{
    path::Path,
    process::ExitStatus,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    WorkerError,
    process::{Broken, Worker, cause_of_death},
    program::{Provisions, WorkerProgram},
    wire,
};
use crate::sql::{Execution, Outcome, Overrun, Request};

/// How much longer than its limit a query may take until its worker is killed: it should have stopped by itself.
const GRACE: Duration = Duration::from_millis(50);
/// Bytes of an answer beyond its result: column names and messages, which quote the query.
const FRAME_ROOM: usize = 4 << 20;
/// How often the start of a worker is tried, and how long is waited in between: a machine can be short of processes for
/// a moment.
const PAUSES: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(200), Duration::from_secs(1)];
/// Signals by which the system ends a process that has no more memory (abort, kill) or CPU time.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Workers, started as they are needed and replaced when they end.
#[derive(Debug)]
pub struct Pool {
    program: WorkerProgram,
    provisions: Provisions,
    size: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Worker>,
    /// Workers that are idle, at work or being started.
    taken: usize,
}

impl Pool {
    /// A pool of at most `size` workers. One is started at once, so that what is wrong shows early.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn start(program: WorkerProgram, provisions: Provisions, size: usize) -> Result<Self, WorkerError> {
        let first = Worker::start(&program, provisions)?;
        let state = Mutex::new(State { idle: vec![first], taken: 1 });
        Ok(Self { program, provisions, size: size.max(1), state, freed: Condvar::new() })
    }

    /// Has a worker execute a request, waiting for one to be free. The request's time begins when it is handed over.
    pub fn execute(&self, request: &Request<'_>) -> Execution {
        let mut worker = match self.acquire(&request.database) {
            Ok(worker) => worker,
            Err(error) => {
                tracing::error!("{error}");
                return Execution { outcome: Outcome::DatabaseError(error.to_string()), elapsed: Duration::ZERO };
            }
        };
        let start = Instant::now();
        match ask(&mut worker, request, start) {
            Ok(execution) => {
                self.give_back(Some(worker));
                execution
            }
            Err(broken) => {
                // Ended before its place is free: there are never more than `size` processes.
                drop(worker);
                self.give_back(None);
                Execution { outcome: outcome(broken), elapsed: start.elapsed() }
            }
        }
    }

    /// The process numbers of the workers that wait for work.
    pub fn idle_ids(&self) -> Vec<u32> {
        self.lock().idle.iter().map(Worker::id).collect()
    }

    fn acquire(&self, database: &Path) -> Result<Worker, WorkerError> {
        let mut state = self.lock();
        loop {
            while let Some(mut worker) = state.take(database) {
                if worker.is_alive() {
                    return Ok(worker);
                }
                state.taken -= 1;
            }
            if state.taken < self.size {
                break;
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.taken += 1;
        drop(state);
        self.start_worker().inspect_err(|_| self.give_back(None))
    }

    fn start_worker(&self) -> Result<Worker, WorkerError> {
        for pause in PAUSES {
            if let Ok(worker) = Worker::start(&self.program, self.provisions) {
                return Ok(worker);
            }
            thread::sleep(pause);
        }
        Worker::start(&self.program, self.provisions)
    }

    fn give_back(&self, worker: Option<Worker>) {
        let mut state = self.lock();
        match worker {
            Some(worker) => state.idle.push(worker),
            None => state.taken -= 1,
        }
        drop(state);
        self.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An idle worker, best one that has the database open.
    fn take(&mut self, database: &Path) -> Option<Worker> {
        match self.idle.iter().position(|worker| worker.last_database == database) {
            Some(index) => Some(self.idle.swap_remove(index)),
            None => self.idle.pop(),
        }
    }
}

fn ask(worker: &mut Worker, request: &Request<'_>, start: Instant) -> Result<Execution, Broken> {
    let deadline = start + request.limits.timeout + GRACE;
    let most = request.limits.max_result_bytes.saturating_add(FRAME_ROOM).min(u32::MAX as usize);
    let content = worker.ask(&wire::request_frame(request), &request.database, deadline, most)?;
    wire::read_execution(content).map_err(|garbled| Broken::Garbled(garbled.to_string()))
}

/// What a query amounts to that cost its worker.
fn outcome(broken: Broken) -> Outcome {
    match broken {
        Broken::Overrun => Outcome::Timeout(Overrun::Clock),
        Broken::Died(status) => death(status),
        Broken::Garbled(what) => Outcome::RuntimeError(format!("the worker process failed: {what}")),
    }
}

fn death(status: ExitStatus) -> Outcome {
    let (text, signal) = cause_of_death(status);
    match signal {
        Some(SIGXCPU) => Outcome::Timeout(Overrun::Clock),
        Some(SIGABRT | SIGKILL) => Outcome::TooLarge(format!("{text}, as for want of memory")),
        _ => Outcome::RuntimeError(text),
    }
}
