//! The train view: charts, the newest questions, the log.
//!
//! ```text
//! ├ charts ─────────────────────────────────┤
//! ├ sample ───────────────┬ log ────────────┤      (log below the sample where the screen is narrow)
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use crate::cockpit::{
    action::Action,
    app::App,
    draw::{chart, charts, log, sample},
    panes::Pane,
};

/// Smallest room in which all panes are shown together.
const ALL_PANES: (u16, u16) = (78, 19);
/// Smallest room in which the log goes beside the sample.
const SIDE_BY_SIDE: (u16, u16) = (110, 30);

/// Draws the panes, or where there is no room for all, the one in focus.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    // The store is read for one step at a time: where the cursor was moved on meanwhile, for that one now.
    app.want_sample();
    if app.ui.zoom || area.width < ALL_PANES.0 || area.height < ALL_PANES.1 {
        return pane(app, app.ui.focus, area, buf);
    }
    let chart_rows = (area.height * 2 / 5).clamp(8, 26) / 2 * 2;
    let [charts, rest] = Layout::vertical([Constraint::Length(chart_rows), Constraint::Min(0)]).areas(area);
    let [sample, log] = if area.width >= SIDE_BY_SIDE.0 && area.height >= SIDE_BY_SIDE.1 {
        Layout::horizontal([Constraint::Fill(7), Constraint::Fill(3)]).areas(rest)
    } else {
        let log_rows = (rest.height / 4).clamp(4, 9);
        Layout::vertical([Constraint::Min(0), Constraint::Length(log_rows)]).areas(rest)
    };
    pane(app, Pane::Charts, charts, buf);
    pane(app, Pane::Sample, sample, buf);
    pane(app, Pane::Log, log, buf);
}

fn pane(app: &mut App, pane: Pane, area: Rect, buf: &mut Buffer) {
    app.ui.panes.push((area, pane));
    match pane {
        Pane::Charts if app.ui.zoom => chart::render(app, area, buf),
        Pane::Charts => (app.ui.chart_columns, app.ui.chart_page) = charts::render(app, area, buf),
        Pane::Sample => app.ui.detail_scroll = sample::render(app, area, buf),
        Pane::Log => app.ui.log_scroll = log::render(app, area, buf),
    }
}

/// Moves about in the pane in focus.
pub fn act(app: &mut App, action: Action) {
    match action {
        Action::FocusNext => app.ui.focus = app.ui.focus.cycle(1),
        Action::FocusPrevious => app.ui.focus = app.ui.focus.cycle(Pane::ALL.len() - 1),
        Action::Zoom => app.ui.zoom = !app.ui.zoom,
        Action::Cursor
        | Action::LogScale
        | Action::LogX
        | Action::NextAxis
        | Action::Envelope
        | Action::Closer
        | Action::Wider
        | Action::PanBack
        | Action::PanOn
        | Action::WholeRun
        | Action::NextMarker
        | Action::PreviousMarker => app.act_on_charts(action),
        _ => app.travel(action),
    }
}

#[cfg(test)]
mod tests;
