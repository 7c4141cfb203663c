//! What is called from within SQLite: the clock and the judge of statements.

use std::{
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rusqlite::{Connection, hooks::AuthContext};

use super::guard;

/// Virtual-machine operations between two looks at the clock: a few microseconds.
const OPS_PER_LOOK: i32 = 1000;

/// The origin of the times that fit in an atomic.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What the hooks inside of SQLite know and tell.
pub struct Hooks {
    /// Deadline in nanoseconds after [`EPOCH`].
    deadline: AtomicU64,
    /// The first thing that the statement wanted and must not do.
    objection: Mutex<Option<String>>,
}

impl Hooks {
    /// Puts them in place, with no deadline yet.
    pub fn install(connection: &mut Connection) -> rusqlite::Result<Arc<Self>> {
        let hooks = Arc::new(Self { deadline: AtomicU64::new(u64::MAX), objection: Mutex::new(None) });
        let clock = Arc::clone(&hooks);
        connection.progress_handler(OPS_PER_LOOK, Some(move || clock.is_over()))?;
        let judge = Arc::clone(&hooks);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            let objection = guard::objection(&context.action);
            let verdict = guard::verdict(objection.as_ref());
            judge.object(objection);
            verdict
        }))?;
        Ok(hooks)
    }

    /// Prepares for a query that has to end at `deadline`.
    pub fn arm(&self, deadline: Instant) {
        let nanos = deadline.saturating_duration_since(*EPOCH).as_nanos();
        self.deadline.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.take_objection();
    }

    /// What the statement wanted and must not do, if anything.
    pub fn take_objection(&self) -> Option<String> {
        self.objection.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_over(&self) -> bool {
        EPOCH.elapsed().as_nanos() >= u128::from(self.deadline.load(Ordering::Relaxed))
    }

    fn object(&self, objection: Option<String>) {
        let mut first = self.objection.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = objection;
        }
    }
}
