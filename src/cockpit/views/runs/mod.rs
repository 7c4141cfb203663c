//! The runs view: all runs of the folder that this one lies in, and two of them compared.

mod compare;
mod list;
mod place;
#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

pub use place::Place;

use crate::{
    cockpit::{
        action::Action,
        app::{App, Effect, scroll},
    },
    run::event::LogLevel,
};

/// Rows from which a comparison stands below the list rather than in its place.
const BOTH: u16 = 22;

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    app.need_runs();
    if app.ui.runs.compared.is_none() {
        return list::render(app, area, buf);
    }
    if area.height < BOTH || app.ui.zoom {
        return compare::render(app, area, buf);
    }
    let [top, bottom] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(2)]).areas(area);
    list::render(app, top, buf);
    compare::render(app, bottom, buf);
}

/// Does what a key means here.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    let (now, last) = (app.ui.runs.cursor, app.ui.runs.runs().len().saturating_sub(1));
    let comparing = app.ui.runs.compared.is_some();
    match action {
        Action::PageDown | Action::PageUp if comparing => scroll(&mut app.ui.runs.scroll, action, false),
        Action::Down => app.ui.runs.cursor = (now + 1).min(last),
        Action::Up => app.ui.runs.cursor = now.saturating_sub(1),
        Action::PageDown => app.ui.runs.cursor = (now + 10).min(last),
        Action::PageUp => app.ui.runs.cursor = now.saturating_sub(10),
        Action::First => app.ui.runs.cursor = 0,
        Action::Last => app.ui.runs.cursor = last,
        Action::Zoom => app.ui.zoom = !app.ui.zoom,
        Action::Sort => app.ui.runs.sort_next(),
        Action::ReadAgain => app.read_runs(),
        Action::Underlay => app.underlay_run(),
        Action::Mark => app.ui.runs.mark(),
        Action::Compare => match app.ui.runs.pair() {
            Some(pair) => app.compare_runs(pair),
            None => app.toast(LogLevel::Info, "mark a run (m), go to another, and compare them".into()),
        },
        _ => {}
    }
    None
}
