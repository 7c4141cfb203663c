//! The screen. Every panel is one file with a function that draws a part of the app into a rectangle of a buffer.
//!
//! ```text
//! ┌ header: run, model, data, device, state ┐      narrow or low screens show one pane at a time;
//! │ step, phase and its progress, ETA       │      very small ones one line or one chart.
//! ├ charts ─────────────────────────────────┤
//! ├ sample ───────────────┬ log ────────────┤      (log below the sample where the screen is narrow)
//! └ footer: notices, keys ┘─────────────────┘
//! ```

mod chart;
mod charts;
mod dialog;
mod finished;
mod footer;
mod header;
mod help;
mod log;
mod plot;
mod sample;
mod scrubber;
mod sql;
mod table;
mod tiny;
mod widgets;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use super::{app::App, panes::Pane, text, ui::Overlay};

/// Draws the whole screen and brings scroll positions back within bounds.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, app.theme.screen());
    if area.width < 30 || area.height < 8 {
        tiny::render(app, area, buf);
    } else {
        screen(app, area, buf);
    }
    scrub(buf);
}

fn screen(app: &mut App, area: Rect, buf: &mut Buffer) {
    let header_rows = header::rows(app, area);
    let scrubber_rows = u16::from(app.tape().is_some());
    let [head, main, scrubber, foot] = Layout::vertical([
        Constraint::Length(header_rows),
        Constraint::Min(0),
        Constraint::Length(scrubber_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    header::render(app, head, buf);
    panes(app, main, buf);
    scrubber::render(app, scrubber, buf);
    footer::render(app, foot, buf);
    match app.ui.overlay {
        Overlay::None | Overlay::Jump => {}
        Overlay::Help => app.ui.help_scroll = help::render(app, area, buf),
        Overlay::Finished => finished::render(app, area, buf),
        Overlay::Quit(marked) => dialog::quit(app, marked, area, buf),
    }
}

/// Smallest room in which all panes are shown together.
const ALL_PANES: (u16, u16) = (78, 20);
/// Smallest room in which the log goes beside the sample.
const SIDE_BY_SIDE: (u16, u16) = (110, 30);

fn panes(app: &mut App, area: Rect, buf: &mut Buffer) {
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
    match pane {
        Pane::Charts if app.ui.zoom => chart::render(app, area, buf),
        Pane::Charts => app.ui.chart_columns = charts::render(app, area, buf),
        Pane::Sample => app.ui.detail_scroll = sample::render(app, area, buf),
        Pane::Log => app.ui.log_scroll = log::render(app, area, buf),
    }
}

/// The last guard: whatever a panel let through, no cell makes a terminal do something.
fn scrub(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if cell.symbol().chars().any(text::is_obeyed) {
            cell.set_symbol("?");
        }
    }
}
