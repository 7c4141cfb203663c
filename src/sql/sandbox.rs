//! The one door through which model-written SQL is executed.

use std::{borrow::Cow, path::Path, time::Instant};

use super::{Execution, Limits, Request, execute};
use crate::settings::SqlSettings;

/// How many times the usual time trusted queries get.
const PATIENCE: u32 = 12;

/// Executes SQL read-only and within limits. Cheap to clone; any number of threads may use it at once.
///
/// Whatever the text, [`Sandbox::run`] returns an [`Outcome`](super::Outcome): it changes no database, does not panic,
/// and a query that overruns is stopped at its deadline.
#[derive(Debug, Clone)]
pub struct Sandbox {
    limits: Limits,
}

impl Sandbox {
    /// A sandbox with the limits of these settings.
    pub fn new(settings: &SqlSettings) -> Self {
        Self { limits: Limits::new(settings) }
    }

    /// The same with more time, for queries that are trusted: on a busy machine a gold query must not come to nothing.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { limits: Limits { timeout: self.limits.timeout.saturating_mul(PATIENCE), ..self.limits } }
    }

    /// The limits that every query gets.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Executes one query on one database.
    pub fn run(&self, database: &Path, sql: &str) -> Execution {
        self.answer(&Request { database: Cow::Borrowed(database), sql: Cow::Borrowed(sql), limits: self.limits })
    }

    /// Executes a request as it stands, with its own limits.
    pub fn answer(&self, request: &Request<'_>) -> Execution {
        let start = Instant::now();
        let outcome = execute::execute(request, start);
        Execution { outcome, elapsed: start.elapsed() }
    }
}
