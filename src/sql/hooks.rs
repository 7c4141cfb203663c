//! What is called from within SQLite: the counter of steps, the clock, and the judge of statements.

use std::{
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use rusqlite::{Connection, hooks::AuthContext};

use super::{Overrun, guard};

/// Steps of the virtual machine between two looks at budget and clock: a few microseconds.
const STEPS_PER_LOOK: u32 = 1000;

/// The origin of the times that fit in an atomic.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What the hooks inside of SQLite know and tell.
pub struct Hooks {
    /// Deadline in nanoseconds after [`EPOCH`].
    deadline: AtomicU64,
    /// Steps that are left to the query.
    steps_left: AtomicU64,
    /// Whether the query was stopped for want of steps.
    out_of_steps: AtomicBool,
    /// Whether the statement is one of ours, which may do anything.
    ours: AtomicBool,
    /// The first thing that the statement wanted and must not do.
    objection: Mutex<Option<String>>,
}

impl Hooks {
    /// Puts them in place, with no limit yet.
    pub fn install(connection: &mut Connection) -> rusqlite::Result<Arc<Self>> {
        let hooks = Arc::new(Self {
            deadline: AtomicU64::new(u64::MAX),
            steps_left: AtomicU64::new(u64::MAX),
            out_of_steps: AtomicBool::new(false),
            ours: AtomicBool::new(false),
            objection: Mutex::new(None),
        });
        let meter = Arc::clone(&hooks);
        connection.progress_handler(STEPS_PER_LOOK.cast_signed(), Some(move || meter.is_over()))?;
        let judge = Arc::clone(&hooks);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if judge.ours.load(Ordering::Relaxed) {
                return guard::verdict(None);
            }
            let objection = guard::objection(&context.action);
            let verdict = guard::verdict(objection.as_ref());
            judge.object(objection);
            verdict
        }))?;
        Ok(hooks)
    }

    /// Does work with statements of ours, which are not judged.
    pub fn unjudged<T>(&self, work: impl FnOnce() -> T) -> T {
        self.ours.store(true, Ordering::Relaxed);
        let done = work();
        self.ours.store(false, Ordering::Relaxed);
        done
    }

    /// Prepares for a query that has to end at `deadline`.
    pub fn arm(&self, deadline: Instant) {
        let nanos = deadline.saturating_duration_since(*EPOCH).as_nanos();
        self.deadline.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.grant(None);
        self.take_objection();
    }

    /// From here on the query may take so many steps. Those that came before, while it was compiled, are not counted:
    /// they depend on whether the schema was known from an earlier query.
    pub fn grant(&self, steps: Option<u64>) {
        self.steps_left.store(steps.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.out_of_steps.store(false, Ordering::Relaxed);
    }

    /// What the statement wanted and must not do, if anything.
    pub fn take_objection(&self) -> Option<String> {
        self.objection.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What an interruption was for.
    pub fn overrun(&self) -> Overrun {
        if self.out_of_steps.load(Ordering::Relaxed) { Overrun::Steps } else { Overrun::Clock }
    }

    fn is_over(&self) -> bool {
        let left = self.steps_left.load(Ordering::Relaxed);
        if left <= u64::from(STEPS_PER_LOOK) {
            self.out_of_steps.store(true, Ordering::Relaxed);
            return true;
        }
        if left != u64::MAX {
            self.steps_left.store(left - u64::from(STEPS_PER_LOOK), Ordering::Relaxed);
        }
        EPOCH.elapsed().as_nanos() >= u128::from(self.deadline.load(Ordering::Relaxed))
    }

    fn object(&self, objection: Option<String>) {
        if let Some(objection) = objection {
            self.objection.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(objection);
        }
    }
}
