//! Work that takes a while (reading a store, listing runs, painting): done on another thread, its result given to the app.

use std::{fmt, sync::Arc};

use super::{App, History};

/// What a finished piece of work does to the app.
pub type Finish = Box<dyn FnOnce(&mut App) + Send>;

type Job = Box<dyn FnOnce(&dyn History) -> Finish + Send>;

/// A piece of work. The screen stays alive while it is done, and leaving does not wait for it.
pub struct Work {
    /// What it is, for logs and tests.
    name: &'static str,
    job: Job,
}

impl Work {
    /// Work under a name: `job` runs on a thread where waiting harms nobody and gives what is to be done with its result.
    pub fn new<F>(name: &'static str, job: impl FnOnce(&dyn History) -> F + Send + 'static) -> Self
    where
        F: FnOnce(&mut App) + Send + 'static,
    {
        Self { name, job: Box::new(|history| Box::new(job(history))) }
    }

    /// Does it.
    pub fn run(self, history: &Arc<dyn History>) -> Finish {
        (self.job)(history.as_ref())
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Work").field(&self.name).finish()
    }
}

impl PartialEq for Work {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
