//! Choosing a theme: each shows at once, escape takes the one before back.

use super::{App, Effect};
use crate::cockpit::{action::Action, ui::Overlay};

impl App {
    /// Shows the themes at hand, with the present one marked.
    pub fn choose_theme(&mut self, names: Vec<String>) {
        let marked = names.iter().position(|name| *name == self.theme.name()).unwrap_or(0);
        self.ui.themes = names;
        self.ui.theme_before = self.theme.name().to_owned();
        self.ui.overlay = Overlay::Themes(marked);
    }

    pub(super) fn in_themes(&mut self, action: Action) -> Option<Effect> {
        let Overlay::Themes(marked) = self.ui.overlay else { return None };
        let count = self.ui.themes.len();
        let next = match action {
            Action::Down if count > 0 => (marked + 1) % count,
            Action::Up if count > 0 => (marked + count - 1) % count,
            Action::Enter => {
                self.close();
                return None;
            }
            _ => {
                self.close();
                let before = std::mem::take(&mut self.ui.theme_before);
                return (before != self.theme.name()).then_some(Effect::Theme(before));
            }
        };
        self.ui.overlay = Overlay::Themes(next);
        Some(Effect::Theme(self.ui.themes[next].clone()))
    }
}
