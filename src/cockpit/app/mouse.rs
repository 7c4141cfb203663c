//! The mouse, where a person has asked for it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{App, Effect};
use crate::cockpit::{action::Action, ui::Overlay};

impl App {
    /// Takes in what the mouse did: a click goes to a tab or a pane, the wheel moves in what lies under it.
    pub fn mouse(&mut self, event: MouseEvent) -> Option<Effect> {
        let at = Position::new(event.column, event.row);
        let wheel = match event.kind {
            MouseEventKind::ScrollDown => Some(Action::Down),
            MouseEventKind::ScrollUp => Some(Action::Up),
            MouseEventKind::Down(MouseButton::Left) => None,
            _ => return None,
        };
        if self.ui.overlay != Overlay::None {
            let scope = *self.scopes().first()?;
            return wheel.and_then(|action| self.perform(scope, action));
        }
        if let (None, Some((_, view))) = (wheel, self.ui.tabs.iter().find(|(area, _)| area.contains(at))) {
            self.show(*view);
            return None;
        }
        if let Some((_, pane)) = self.ui.panes.iter().find(|(area, _)| area.contains(at)) {
            self.ui.focus = *pane;
        }
        wheel.and_then(|action| self.act(action))
    }
}
