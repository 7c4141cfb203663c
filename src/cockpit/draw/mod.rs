//! The screen. Every panel is one file with a function that draws a part of the app into a rectangle of a buffer.
//!
//! ```text
//! ┌ header: run, model, data, device, state ┐      low screens have no tabs, narrow ones show one pane at a time;
//! │ step, phase and its progress, ETA       │      very small ones one line or one chart.
//! ├ tabs ───────────────────────────────────┤
//! │ a view                                  │
//! └ footer: notices, keys, what is typed ───┘
//! ```

mod axes;
pub(super) mod chart;
pub(super) mod charts;
mod curves;
mod dialog;
mod distribution;
mod dots;
mod entry;
mod finished;
mod footer;
mod header;
mod help;
mod hints;
pub(super) mod log;
mod marks;
pub(super) mod painted;
mod palette;
mod plot;
pub(super) mod sample;
mod scrubber;
pub mod sql;
pub mod table;
mod tabs;
mod themes;
mod tiny;
pub(super) mod widgets;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use super::{app::App, text, ui::Overlay, views};

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
    // Tabs are there to be seen once: a low screen needs the row more.
    let tab_rows = u16::from(area.height >= TABS + header_rows + scrubber_rows);
    let [head, tabs, main, scrubber, foot] = Layout::vertical([
        Constraint::Length(header_rows),
        Constraint::Length(tab_rows),
        Constraint::Min(0),
        Constraint::Length(scrubber_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    header::render(app, head, buf);
    app.ui.tabs = tabs::render(app, tabs, buf);
    app.ui.panes.clear();
    views::render(app, main, buf);
    scrubber::render(app, scrubber, buf);
    match app.ui.overlay {
        Overlay::Entry(purpose) => entry::render(app, purpose, foot, buf),
        _ => footer::render(app, foot, buf),
    }
    match app.ui.overlay {
        Overlay::None | Overlay::Entry(_) => {}
        Overlay::Help => app.ui.help_scroll = help::render(app, area, buf),
        Overlay::Finished => finished::render(app, area, buf),
        Overlay::Themes(marked) => themes::render(app, marked, area, buf),
        Overlay::Palette(marked) => palette::render(app, marked, area, buf),
        Overlay::Hints(page) => app.ui.overlay = Overlay::Hints(hints::render(app, page, area, buf)),
        Overlay::Quit(marked) => dialog::quit(app, marked, area, buf),
    }
}

/// Rows from which on tabs are shown, beside those of header and scrubber.
const TABS: u16 = 21;

/// The last guard: whatever a panel let through, no cell makes a terminal do something.
fn scrub(buf: &mut Buffer) {
    // Nearly all cells are a plain character each, and there are thousands of them in each frame.
    let is_plain = |sign: &str| matches!(sign.as_bytes(), [b' '..=b'~']);
    for cell in &mut buf.content {
        if !is_plain(cell.symbol()) && cell.symbol().chars().any(text::is_obeyed) {
            cell.set_symbol("?");
        }
    }
}
