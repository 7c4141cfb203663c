//! Where a person is on the screen: focus, selections, scroll positions, what is open.

use std::time::Instant;

use ratatui::layout::Rect;

use super::{
    action::Action,
    app::scroll,
    charts,
    entry::{Line, Purpose},
    panes::Pane,
    views::{self, View},
};
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
    /// Something is typed.
    Entry(Purpose),
    /// The list of actions; the number is the marked one.
    Palette(usize),
    /// What can be typed next; the number is the page.
    Hints(usize),
    /// The list of themes; the number is the marked one.
    Themes(usize),
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

/// The place of the person on the screen. Scroll positions may lie past the end; drawing brings them back.
#[derive(Debug, Clone)]
pub struct Ui {
    /// The view on show.
    pub view: View,
    /// The pane in focus, in the train view.
    pub focus: Pane,
    /// Whether the pane in focus has the whole screen.
    pub zoom: bool,
    /// What lies over the panes.
    pub overlay: Overlay,
    /// The selected chart.
    pub chart: usize,
    /// Charts side by side, as last drawn: how far one row down is.
    pub chart_columns: usize,
    /// Charts on a page, as last drawn.
    pub chart_page: usize,
    /// How the charts are looked at.
    pub charts: charts::Place,
    /// The selected question as (step, group); `None` follows the newest.
    pub sample: Option<(u64, usize)>,
    /// The selected candidate; `None` takes the one with the highest reward.
    pub candidate: Option<usize>,
    /// Lines that the candidate's detail is scrolled down.
    pub detail_scroll: usize,
    /// Lines that the log is scrolled up from its end; 0 follows it.
    pub log_scroll: usize,
    /// Lines that the help is scrolled down.
    pub help_scroll: usize,
    /// What is typed.
    pub line: Line,
    /// The themes to choose from.
    pub themes: Vec<String>,
    /// The theme that was there before one is chosen.
    pub theme_before: String,
    /// Whether the line is spared: few frames a second.
    pub sparing: bool,
    /// Where the views' tabs were last drawn.
    pub tabs: Vec<(Rect, View)>,
    /// Where the panes of the train view were last drawn.
    pub panes: Vec<(Rect, Pane)>,
    /// Where a person is in the rollouts.
    pub rollouts: views::rollouts::Place,
    /// Where in the doctor's findings.
    pub doctor: views::doctor::Place,
    /// Where among the controls.
    pub controls: views::controls::Place,
    /// What was asked.
    pub ask: views::ask::Place,
    /// Where in the model.
    pub model: views::anatomy::Place,
    /// Where among the runs.
    pub runs: views::runs::Place,
    /// A short notice.
    pub toast: Option<Toast>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            view: View::default(),
            focus: Pane::Sample,
            zoom: false,
            overlay: Overlay::None,
            chart: 0,
            chart_columns: 4,
            chart_page: 8,
            charts: charts::Place::default(),
            sample: None,
            candidate: None,
            detail_scroll: 0,
            log_scroll: 0,
            help_scroll: 0,
            line: Line::default(),
            themes: Vec::new(),
            theme_before: String::new(),
            sparing: false,
            tabs: Vec::new(),
            panes: Vec::new(),
            rollouts: views::rollouts::Place::default(),
            doctor: views::doctor::Place::default(),
            controls: views::controls::Place::default(),
            ask: views::ask::Place::default(),
            model: views::anatomy::Place::default(),
            runs: views::runs::Place::default(),
            toast: None,
        }
    }
}

impl Ui {
    /// Moves the selected chart among so many.
    pub fn move_chart(&mut self, by: isize, count: usize) {
        self.chart = self.chart.saturating_add_signed(by).min(count.saturating_sub(1));
    }

    /// Scrolls the log, which is read from its end.
    pub fn scroll_log(&mut self, action: Action) {
        scroll(&mut self.log_scroll, action, true);
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
