//! The rollouts view: all questions that were asked, and the candidates of one of them side by side.
//!
//! ```text
//! ├ questions ──────────┬ candidates ───────────────────┤      (below each other where the screen is narrow)
//! ```

mod act;
mod column;
mod compare;
mod group;
mod list;
mod place;
mod rescore;
mod tokens;
mod versus;
mod words;

#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

pub use act::act;
pub(in crate::cockpit) use compare::Mark;
pub use place::Place;

use crate::cockpit::{
    app::App,
    draw::widgets::{empty, frame},
};

/// Smallest room in which list and candidates are shown together.
const BOTH: (u16, u16) = (60, 18);
/// Columns from which the list stands beside the candidates.
const BESIDE: u16 = 150;

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    app.sync_rollouts();
    if app.ui.rollouts.catalog.entries().is_empty() {
        let inner = frame(app, "rollouts", "", true, area, buf);
        return empty(
            app,
            &["no questions yet", "they come with their candidates when the first step is scored"],
            inner,
            buf,
        );
    }
    let (list, candidates) = if app.ui.zoom || area.width < BOTH.0 || area.height < BOTH.1 {
        if app.ui.rollouts.inside { (None, Some(area)) } else { (Some(area), None) }
    } else if area.width >= BESIDE {
        let [list, candidates] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(7)]).areas(area);
        (Some(list), Some(candidates))
    } else {
        let rows = (area.height * 3 / 10).clamp(6, 14);
        let [list, candidates] = Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
        (Some(list), Some(candidates))
    };
    if let Some(room) = list {
        list::render(app, room, buf);
    }
    if let Some(room) = candidates {
        group::render(app, room, buf);
    }
}
