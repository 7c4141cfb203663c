//! What is asked of the sandbox, in a form that can cross a process boundary.

use std::{borrow::Cow, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use crate::settings::SqlSettings;

/// The longest time limit: beyond it, deadlines stop meaning anything.
const LONGEST: Duration = Duration::from_hours(24);

/// Bytes that a whole result may take.
const MAX_RESULT_BYTES: usize = 64 << 20;

/// What a query may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time after which it is stopped.
    pub timeout: Duration,
    /// Rows of its result.
    pub max_rows: usize,
    /// Bytes in one cell of its result.
    pub max_cell_bytes: usize,
    /// Bytes in all cells of its result together.
    pub max_result_bytes: usize,
}

impl Limits {
    /// The limits that the settings ask for.
    pub fn new(settings: &SqlSettings) -> Self {
        let timeout = Duration::try_from_secs_f64(settings.timeout).unwrap_or(LONGEST).min(LONGEST);
        Self {
            timeout,
            max_rows: settings.max_rows,
            max_cell_bytes: settings.max_cell_bytes,
            max_result_bytes: MAX_RESULT_BYTES,
        }
    }
}

/// A query to execute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// The database file.
    pub database: Cow<'a, Path>,
    /// The query as written.
    pub sql: Cow<'a, str>,
    /// What it may use up.
    pub limits: Limits,
}
