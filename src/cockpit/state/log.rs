//! The newest log lines, from the trainer and from the cockpit itself.

use std::collections::VecDeque;

use crate::run::event::LogLevel;

/// A line of the log pane.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Unix time in seconds; `None` for lines of the cockpit itself.
    pub time: Option<f64>,
    /// Severity.
    pub level: LogLevel,
    /// Text, as it came.
    pub message: String,
}

/// A bounded tail of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogTail {
    lines: VecDeque<LogEntry>,
    total: u64,
}

impl LogTail {
    /// Lines kept in memory; the store has them all.
    pub const LIMIT: usize = 2000;

    /// Adds a line, forgetting the oldest one where there is no room.
    pub fn push(&mut self, entry: LogEntry) {
        if self.lines.len() == Self::LIMIT {
            self.lines.pop_front();
        }
        self.lines.push_back(entry);
        self.total += 1;
    }

    /// Lines kept, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &LogEntry> + ExactSizeIterator {
        self.lines.iter()
    }

    /// Lines ever added; grows with every line, so that a view can tell whether something came.
    pub fn total(&self) -> u64 {
        self.total
    }
}
