//! The one door through which model-written SQL is executed.

use std::{
    borrow::Cow,
    cell::RefCell,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Execution, Limits, Outcome, Request, Tally,
    connection::{Connections, Keep},
    execute::execute,
    tally::Counter,
    worker::{Pool, Provisions, WorkerError, WorkerProgram},
};
use crate::settings::SqlSettings;

/// How many times the usual time trusted queries get.
const PATIENCE: u32 = 12;
/// Connections and bytes in them that all threads together keep in this process.
const KEPT_OPEN: usize = 256;
const KEPT_BYTES: u64 = 1 << 30;
/// Connections that each thread may keep in any case.
const LEAST_KEPT: usize = 4;

/// Queries that a thread had best hand over together: enough that a worker need not wait for us, few enough that slow
/// ones are spread over all workers.
pub const AT_ONCE: usize = 8;

thread_local! {
    static CONNECTIONS: RefCell<Connections> = RefCell::new(Connections::new(share_of_thread()));
}

/// Executes SQL read-only and within limits. Cheap to clone; any number of threads may use it at once.
///
/// Whatever the text, [`Sandbox::run`] returns an [`Outcome`]: it changes no database, does not panic,
/// and a query that overruns is stopped. Text that nobody has read belongs in worker processes
/// ([`Sandbox::in_workers`]): in this process a query can exhaust the memory, and some of SQLite's operations cannot be
/// stopped at the deadline.
#[derive(Debug, Clone)]
pub struct Sandbox {
    limits: Limits,
    in_memory: bool,
    executor: Executor,
    counter: Arc<Counter>,
}

#[derive(Debug, Clone)]
enum Executor {
    InProcess,
    Workers(Arc<Pool>),
}

impl Sandbox {
    /// Executes in this process, with the limits of these settings: for queries that are trusted, and for tests.
    pub fn in_process(settings: &SqlSettings) -> Self {
        Self::new(settings, Executor::InProcess)
    }

    /// Executes in worker processes, with the limits of these settings.
    ///
    /// # Errors
    /// The first worker cannot be started, see [`WorkerError`].
    pub fn in_workers(settings: &SqlSettings, program: WorkerProgram) -> Result<Self, WorkerError> {
        let size = settings.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let provisions = Provisions { memory_mb: settings.max_memory_mb };
        let pool = Pool::start(program, provisions, size)?;
        Ok(Self::new(settings, Executor::Workers(Arc::new(pool))))
    }

    fn new(settings: &SqlSettings, executor: Executor) -> Self {
        let limits = Limits::new(settings);
        Self { limits, in_memory: settings.in_memory, executor, counter: Arc::default() }
    }

    /// The one for queries that are trusted: in this process, with more time and no budget of steps. On a busy machine
    /// a gold query must not come to nothing, and it must not share its memory with what a model wrote.
    #[must_use]
    pub fn trusted(&self) -> Self {
        Self {
            limits: self.limits.patient(PATIENCE),
            in_memory: self.in_memory,
            executor: Executor::InProcess,
            counter: Arc::default(),
        }
    }

    /// The limits that every query gets.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What came of the queries so far, those of clones included.
    pub fn tally(&self) -> Tally {
        self.counter.tally()
    }

    /// The process numbers of the workers that wait for work; none if there are no workers.
    pub fn idle_workers(&self) -> Vec<u32> {
        match &self.executor {
            Executor::InProcess => Vec::new(),
            Executor::Workers(pool) => pool.idle_ids(),
        }
    }

    /// Executes one query on one database.
    pub fn run(&self, database: &Path, sql: &str) -> Execution {
        self.answer(&self.request(database, sql))
    }

    /// Executes queries on their databases one after the other: faster than each alone where they are on one database.
    /// For several at a time, call this from several threads with some each ([`AT_ONCE`]).
    pub fn run_all(&self, queries: &[(&Path, &str)]) -> Vec<Execution> {
        let requests: Vec<_> = queries.iter().map(|(database, sql)| self.request(database, sql)).collect();
        self.answer_all(&requests)
    }

    fn request<'a>(&self, database: &'a Path, sql: &'a str) -> Request<'a> {
        Request {
            database: Cow::Borrowed(database),
            sql: Cow::Borrowed(sql),
            limits: self.limits,
            in_memory: self.in_memory,
        }
    }

    /// Executes a request as it stands, with its own limits.
    pub fn answer(&self, request: &Request<'_>) -> Execution {
        let none = || Execution { outcome: Outcome::EmptyText, elapsed: Duration::ZERO };
        self.answer_all(std::slice::from_ref(request)).pop().unwrap_or_else(none)
    }

    fn answer_all(&self, requests: &[Request<'_>]) -> Vec<Execution> {
        let executions = match &self.executor {
            Executor::InProcess => requests.iter().map(in_this_thread).collect(),
            Executor::Workers(pool) => pool.execute(requests),
        };
        for execution in &executions {
            self.counter.count(&execution.outcome);
        }
        executions
    }
}

fn in_this_thread(request: &Request<'_>) -> Execution {
    let start = Instant::now();
    let outcome = CONNECTIONS.with_borrow_mut(|connections| execute(request, connections, start));
    Execution { outcome, elapsed: start.elapsed() }
}

fn share_of_thread() -> Keep {
    let threads = rayon::current_num_threads();
    let connections = (KEPT_OPEN / threads).max(LEAST_KEPT);
    Keep { connections, bytes: KEPT_BYTES / threads as u64, no_files: false }
}
