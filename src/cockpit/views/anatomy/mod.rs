//! The model view: how large it is, what takes memory, which checkpoints there are, how gradients flow.
//!
//! ```text
//! ├ model ───────────┬ gradients ─────────────┤      (one of both where the screen is narrow)
//! ├ checkpoints ─────┤                        │
//! ```

mod facts;
mod heat;
#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use crate::cockpit::{
    action::Action,
    app::{App, Effect},
};

/// Columns from which facts and gradients are shown together.
const BOTH: u16 = 78;

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Whether the gradients are in focus, rather than the checkpoints.
    gradients: bool,
    /// Layer and module at the cursor.
    cursor: (usize, usize),
    /// Steps back from the newest one that told its gradients.
    back: usize,
    quantity: heat::Quantity,
    /// Lines that the checkpoints are scrolled down.
    scroll: usize,
}

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    if area.width < BOTH || app.ui.zoom {
        return if app.ui.model.gradients { heat::render(app, area, buf) } else { facts::render(app, area, buf) };
    }
    let [left, right] = Layout::horizontal([Constraint::Fill(5), Constraint::Fill(6)]).areas(area);
    facts::render(app, left, buf);
    heat::render(app, right, buf);
}

/// Does what a key means here.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    let flows = app.run.gradients().len();
    let place = &mut app.ui.model;
    match action {
        Action::FocusNext | Action::FocusPrevious => place.gradients = !place.gradients,
        Action::Zoom => app.ui.zoom = !app.ui.zoom,
        Action::Quantity => {
            place.quantity = place.quantity.next();
            place.gradients = true;
        }
        Action::FlowBefore => place.back = (place.back + 1).min(flows.saturating_sub(1)),
        Action::FlowAfter => place.back = place.back.saturating_sub(1),
        _ if place.gradients => place.cursor = heat::moved(place.cursor, action),
        _ => crate::cockpit::app::scroll(&mut place.scroll, action, false),
    }
    None
}
