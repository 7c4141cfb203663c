//! The logs view: the log with the whole screen.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::cockpit::{action::Action, app::App, draw};

/// Draws the log.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    app.ui.log_scroll = draw::log::render(app, area, buf);
}

/// Scrolls it.
pub fn act(app: &mut App, action: Action) {
    app.ui.scroll_log(action);
}
