//! The controls view: what can be changed while it trains, and the checkpoints to go back to. With `,` all settings.
//!
//! ```text
//! ├ state, keys ─────────────────────────────┤
//! ├ settings ──────────────┬ checkpoints ────┤      (one below the other where the screen is narrow)
//! ```

mod checkpoints;
mod propose;
mod settings;
mod state;
#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

pub use propose::{hint, propose, take_note, take_roll_back, take_value};

use super::doctor::move_to;
use crate::{
    cockpit::{
        action::Action,
        app::{App, Effect},
        entry::Purpose,
    },
    run::command::Command,
};

/// Room from which settings and checkpoints stand side by side.
const SIDE_BY_SIDE: u16 = 100;
/// Least height at which checkpoints are below the settings rather than instead of them.
const STACKED: u16 = 18;

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Whether checkpoints are moved among rather than settings.
    pub at_checkpoints: bool,
    /// Whether all settings are shown, those that cannot change now too.
    pub all: bool,
    /// The marked setting.
    pub setting: usize,
    /// The marked checkpoint, counted from the newest.
    pub checkpoint: usize,
    /// Letters that settings must have in their keys.
    pub filter: String,
    /// The setting whose value is being typed.
    pub editing: String,
}

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let settings = settings::rows(app).len();
    let checkpoints = app.run.checkpoints().len();
    let place = &mut app.ui.controls;
    place.setting = place.setting.min(settings.saturating_sub(1));
    place.checkpoint = place.checkpoint.min(checkpoints.saturating_sub(1));
    let [top, rest] =
        Layout::vertical([Constraint::Length(if area.height < 16 { 0 } else { 4 }), Constraint::Min(0)]).areas(area);
    if top.height > 0 {
        state::render(app, top, buf);
    }
    let halves = [Constraint::Fill(3), Constraint::Fill(2)];
    if rest.width >= SIDE_BY_SIDE {
        let [left, right] = Layout::horizontal(halves).areas(rest);
        settings::render(app, left, buf);
        checkpoints::render(app, right, buf);
    } else if rest.height >= STACKED {
        let [upper, lower] = Layout::vertical(halves).areas(rest);
        settings::render(app, upper, buf);
        checkpoints::render(app, lower, buf);
    } else if app.ui.controls.at_checkpoints {
        checkpoints::render(app, rest, buf);
    } else {
        settings::render(app, rest, buf);
    }
}

/// Does what a key means here.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    let (settings, checkpoints) = (settings::rows(app).len(), app.run.checkpoints().len());
    let place = &mut app.ui.controls;
    match action {
        Action::FocusNext | Action::FocusPrevious => place.at_checkpoints = !place.at_checkpoints,
        Action::AllSettings => (place.all, place.setting) = (!place.all, 0),
        Action::Filter => {
            let filter = place.filter.clone();
            app.type_line(Purpose::SettingFilter, &filter);
        }
        Action::Note => app.type_line(Purpose::Note, ""),
        Action::StepOnce => {
            app.order(Command::StepOnce, "one step, then a pause");
        }
        Action::RollBack => checkpoints::roll_back(app),
        Action::Apply if place.at_checkpoints => checkpoints::roll_back(app),
        Action::Apply => settings::edit(app),
        Action::CopySetting => settings::copy(app),
        _ if place.at_checkpoints => move_to(&mut place.checkpoint, action, checkpoints),
        _ => move_to(&mut place.setting, action, settings),
    }
    None
}

/// Shows all settings.
pub fn show_all(app: &mut App) {
    app.show(super::View::Controls);
    (app.ui.controls.all, app.ui.controls.at_checkpoints) = (true, false);
}
