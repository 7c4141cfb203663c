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
/// Bytes of requests that are sent to a worker before it answers the first: half of what a pipe holds.
const MOST_AT_ONCE: usize = 32 << 10;
/// Bytes of a request beyond its query and its database's path.
const REQUEST_ROOM: usize = 64;
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

    /// Has a worker execute requests one after the other, waiting for one to be free. All of them are handed over at once,
    /// so that the worker need not wait for us in between; a request's time begins when the one before it is answered.
    /// Where one costs its worker, another goes on with the rest.
    pub fn execute(&self, requests: &[Request<'_>]) -> Vec<Execution> {
        let mut done = Vec::with_capacity(requests.len());
        while let Some(next) = requests.get(done.len()) {
            let mut worker = match self.acquire(&next.database) {
                Ok(worker) => worker,
                Err(error) => {
                    tracing::error!("{error}");
                    let outcome = Outcome::DatabaseError(error.to_string());
                    done.push(Execution { outcome, elapsed: Duration::ZERO });
                    continue;
                }
            };
            let mut start = Instant::now();
            let rest = at_once(&requests[done.len()..]);
            match ask(&mut worker, rest, &mut start, &mut done) {
                Ok(()) => self.give_back(Some(worker)),
                Err(broken) => {
                    // Ended before its place is free: there are never more than `size` processes.
                    drop(worker);
                    self.give_back(None);
                    done.push(Execution { outcome: outcome(broken), elapsed: start.elapsed() });
                }
            }
        }
        done
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

/// The first of these requests that one worker gets together: those that fit in a pipe, and one in any case.
fn at_once<'r, 'a>(requests: &'r [Request<'a>]) -> &'r [Request<'a>] {
    let mut bytes = 0;
    let fits = |request: &&Request<'_>| {
        bytes += request.sql.len() + request.database.as_os_str().len() + REQUEST_ROOM;
        bytes <= MOST_AT_ONCE
    };
    let count = requests.iter().take_while(fits).count();
    &requests[..count.max(1)]
}

/// `start` is when the request began that is answered next.
fn ask(
    worker: &mut Worker,
    requests: &[Request<'_>],
    start: &mut Instant,
    done: &mut Vec<Execution>,
) -> Result<(), Broken> {
    let deadline = |request: &Request<'_>, start: Instant| start + request.limits.timeout + GRACE;
    let most =
        |request: &Request<'_>| request.limits.max_result_bytes.saturating_add(FRAME_ROOM).min(u32::MAX as usize);
    let Some(first) = requests.first() else { return Ok(()) };
    let frames = requests.iter().map(wire::request_frame).collect::<Vec<_>>().concat();
    worker.tell(&frames, &first.database, deadline(first, *start), most(first))?;
    for (index, request) in requests.iter().enumerate() {
        let last = index + 1 == requests.len();
        let content = worker.answer(deadline(request, *start), most(request), last)?;
        let execution = wire::read_execution(content).map_err(|garbled| Broken::Garbled(garbled.to_string()))?;
        done.push(execution);
        *start = Instant::now();
    }
    Ok(())
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
