//! What is asked of the sandbox.

use std::{borrow::Cow, path::Path, time::Duration};

use crate::settings::SqlSettings;

/// The longest time limit: beyond it, deadlines stop meaning anything.
const LONGEST: Duration = Duration::from_hours(24);

/// Bytes that a whole result may take.
const MAX_RESULT_BYTES: usize = 64 << 20;

/// What a query may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time after which it is stopped, whatever it has done so far.
    pub timeout: Duration,
    /// Steps of SQLite's virtual machine after which it is stopped; `None` leaves it to the clock.
    pub max_steps: Option<u64>,
    /// Rows of its result.
    pub max_rows: usize,
    /// Bytes in one cell of its result.
    pub max_cell_bytes: usize,
    /// Bytes in all cells of its result together, and in the names of its columns.
    pub max_result_bytes: usize,
}

impl Limits {
    /// The limits that the settings ask for.
    pub fn new(settings: &SqlSettings) -> Self {
        let timeout = Duration::try_from_secs_f64(settings.timeout).unwrap_or(LONGEST).min(LONGEST);
        Self {
            timeout,
            max_steps: Some(settings.max_steps),
            max_rows: settings.max_rows,
            max_cell_bytes: settings.max_cell_bytes,
            max_result_bytes: MAX_RESULT_BYTES,
        }
    }

    /// The same for a query that is trusted: a multiple of the time, and no budget of steps.
    #[must_use]
    pub fn patient(self, times: u32) -> Self {
        Self { timeout: self.timeout.saturating_mul(times).min(LONGEST), max_steps: None, ..self }
    }
}

/// A query to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The database file.
    pub database: Cow<'a, Path>,
    /// The query as written.
    pub sql: Cow<'a, str>,
    /// What it may use up.
    pub limits: Limits,
    /// Read the whole database into memory and keep it there for the next query, if there is room.
    pub in_memory: bool,
}
