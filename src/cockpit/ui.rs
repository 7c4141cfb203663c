//! Where a person is on the screen: focus, selections, scroll positions, what is open.

use std::time::Instant;

use super::panes::Pane;
use crate::run::event::LogLevel;

/// What lies over the panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing.
    None,
    /// Keys and metrics.
    Help,
    /// What a completed run has brought, and what next.
    Finished,
    /// How to quit; the number is the marked answer.
    Quit(usize),
    /// Which step to go to, in a replay.
    Jump,
}

/// A short notice in the footer.
#[derive(Debug, Clone)]
pub struct Toast {
    /// Severity.
    pub level: LogLevel,
    /// Text.
    pub text: String,
    /// When it goes.
    pub until: Instant,
}

/// Smoothings that a key goes through.
const SMOOTHINGS: [f64; 4] = [0.0, 0.6, 0.9, 0.97];

/// The place of the person on the screen. Scroll positions may lie past the end; drawing brings them back.
#[derive(Debug, Clone)]
pub struct Ui {
    /// The pane in focus.
    pub focus: Pane,
    /// Whether the pane in focus has the whole screen.
    pub zoom: bool,
    /// What lies over the panes.
    pub overlay: Overlay,
    /// The selected chart.
    pub chart: usize,
    /// Charts side by side, as last drawn: how far one row down is.
    pub chart_columns: usize,
    /// The selected question as (step, group); `None` follows the newest.
    pub sample: Option<(u64, usize)>,
    /// The selected candidate; `None` takes the one with the highest reward.
    pub candidate: Option<usize>,
    /// Weight of the past in smoothed curves; 0 shows what was measured alone.
    pub smoothing: f64,
    /// Lines that the candidate's detail is scrolled down.
    pub detail_scroll: usize,
    /// Lines that the log is scrolled up from its end; 0 follows it.
    pub log_scroll: usize,
    /// Lines that the help is scrolled down.
    pub help_scroll: usize,
    /// The step being typed.
    pub typed: String,
    /// A short notice.
    pub toast: Option<Toast>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            focus: Pane::Sample,
            zoom: false,
            overlay: Overlay::None,
            chart: 0,
            chart_columns: 4,
            sample: None,
            candidate: None,
            smoothing: SMOOTHINGS[2],
            detail_scroll: 0,
            log_scroll: 0,
            help_scroll: 0,
            typed: String::new(),
            toast: None,
        }
    }
}

impl Ui {
    /// Moves the selected chart among so many.
    pub fn move_chart(&mut self, by: isize, count: usize) {
        self.chart = self.chart.saturating_add_signed(by).min(count.saturating_sub(1));
    }

    /// Goes to the next smoothing.
    pub fn smooth_next(&mut self) {
        let next = SMOOTHINGS.iter().find(|weight| **weight > self.smoothing);
        self.smoothing = *next.unwrap_or(&SMOOTHINGS[0]);
    }

    /// Shows a question, or follows the newest; the candidate is chosen anew.
    pub fn show_sample(&mut self, sample: Option<(u64, usize)>) {
        if self.sample != sample {
            self.candidate = None;
            self.detail_scroll = 0;
        }
        self.sample = sample;
    }
}
