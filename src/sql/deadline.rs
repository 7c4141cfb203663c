//! A second pair of eyes on deadlines: a thread that interrupts queries which overrun.
//!
//! The progress handler normally ends a query; it is only called between the operations of SQLite's virtual machine
//! and not at all while a statement is compiled. The watchdog's interrupt is seen in more places.

use std::{
    collections::HashMap,
    sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::InterruptHandle;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(20);
/// Ticks without a query after which the thread sleeps until one comes.
const IDLE_TICKS: u32 = 50;

static WATCHDOG: LazyLock<Watchdog> = LazyLock::new(Watchdog::start);

/// Interrupts a connection at a deadline unless dropped before.
pub struct Watch {
    id: Option<u64>,
}

/// Starts to watch over a query.
pub fn watch(handle: InterruptHandle, deadline: Instant) -> Watch {
    let id = WATCHDOG.add(handle, deadline);
    Watch { id }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            lock(&WATCHDOG.state).watched.remove(&id);
        }
    }
}

#[derive(Default)]
struct State {
    next_id: u64,
    asleep: bool,
    watched: HashMap<u64, (Instant, InterruptHandle)>,
}

struct Watchdog {
    state: Mutex<State>,
    wake: Condvar,
    runs: bool,
}

impl Watchdog {
    fn start() -> Self {
        // Where no thread can be had, the progress handler is alone; nothing must be registered that nobody looks at.
        let runs = thread::Builder::new().name("sql-watchdog".into()).spawn(|| WATCHDOG.patrol()).is_ok();
        Self { state: Mutex::default(), wake: Condvar::new(), runs }
    }

    fn add(&self, handle: InterruptHandle, deadline: Instant) -> Option<u64> {
        if !self.runs {
            return None;
        }
        let mut state = lock(&self.state);
        state.next_id += 1;
        let id = state.next_id;
        state.watched.insert(id, (deadline, handle));
        if state.asleep {
            state.asleep = false;
            self.wake.notify_one();
        }
        Some(id)
    }

    fn patrol(&self) {
        let mut idle = 0;
        loop {
            thread::sleep(TICK);
            let mut state = lock(&self.state);
            let now = Instant::now();
            // Interrupting under the lock: a query that has ended has removed itself, so the next one is never hit.
            for (deadline, handle) in state.watched.values() {
                if now >= *deadline {
                    handle.interrupt();
                }
            }
            idle = if state.watched.is_empty() { idle + 1 } else { 0 };
            if idle >= IDLE_TICKS {
                state.asleep = true;
                while state.asleep {
                    state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                idle = 0;
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
