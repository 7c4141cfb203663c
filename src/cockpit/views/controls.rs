//! The controls view.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::cockpit::{
    action::Action,
    app::{App, Effect},
    draw::widgets::{empty, frame},
};

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {}

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let inner = frame(app, "controls", "", true, area, buf);
    empty(app, &["nothing to show yet"], inner, buf);
}

/// Does what a key means here.
pub fn act(_app: &mut App, _action: Action) -> Option<Effect> {
    None
}
