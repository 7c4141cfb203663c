//! The views: each takes the whole room between header and footer, has a number key and a folder or file of its own here.
//!
//! A view is three functions: `render` draws it and brings its scroll positions back within bounds, `act` does what a key
//! means in it, and its keys stand in the table of actions under its scope. What it remembers of the person's place is a
//! struct of its own in `Ui`.

pub mod anatomy;
pub mod ask;
pub mod controls;
pub mod doctor;
mod logs;
pub mod rollouts;
pub mod runs;
#[cfg(test)]
pub(crate) mod testing;
mod train;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    action::Action,
    app::{App, Effect},
};

/// What fills the screen between header and footer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Charts, the newest questions, the log.
    #[default]
    Train,
    /// Questions with all their candidates.
    Rollouts,
    /// What is wrong with the run.
    Doctor,
    /// What can be changed while it trains.
    Controls,
    /// A question of one's own.
    Ask,
    /// The model and its adapter.
    Model,
    /// All runs.
    Runs,
    /// The whole log.
    Logs,
}

impl View {
    /// All views, in the order of their number keys from 1.
    pub const ALL: [Self; 8] =
        [Self::Train, Self::Rollouts, Self::Doctor, Self::Controls, Self::Ask, Self::Model, Self::Runs, Self::Logs];

    /// The name on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Train => "Train",
            Self::Rollouts => "Rollouts",
            Self::Doctor => "Doctor",
            Self::Controls => "Controls",
            Self::Ask => "Ask",
            Self::Model => "Model",
            Self::Runs => "Runs",
            Self::Logs => "Logs",
        }
    }

    /// Its number key.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|view| *view == self).map_or(1, |at| at + 1)
    }

    /// A short remark on its tab, where it has something that should be looked at.
    pub fn badge(self, app: &App) -> Option<String> {
        let alarms = app.run.notices().active().len();
        (self == Self::Doctor && alarms > 0).then(|| format!("!{alarms}"))
    }
}

/// Draws the view on show.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    match app.ui.view {
        View::Train => train::render(app, area, buf),
        View::Rollouts => rollouts::render(app, area, buf),
        View::Doctor => doctor::render(app, area, buf),
        View::Controls => controls::render(app, area, buf),
        View::Ask => ask::render(app, area, buf),
        View::Model => anatomy::render(app, area, buf),
        View::Runs => runs::render(app, area, buf),
        View::Logs => logs::render(app, area, buf),
    }
}

/// Does what a key means in the view on show: its own actions, and the general ones of moving about.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    match app.ui.view {
        View::Train => train::act(app, action),
        View::Rollouts => return rollouts::act(app, action),
        View::Doctor => return doctor::act(app, action),
        View::Controls => return controls::act(app, action),
        View::Ask => return ask::act(app, action),
        View::Model => return anatomy::act(app, action),
        View::Runs => return runs::act(app, action),
        View::Logs => logs::act(app, action),
    }
    None
}
