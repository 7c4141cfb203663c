//! Lines that a person types: opened for a purpose, taken or left.

use super::{App, Effect};
use crate::cockpit::{
    action::Action,
    entry::{Line, Purpose},
    ui::Overlay,
    views::{ask, controls},
};

impl App {
    /// Lets the person type a line that begins with a text.
    pub fn type_line(&mut self, purpose: Purpose, text: &str) {
        self.ui.line = Line::of(text);
        self.ui.overlay = Overlay::Entry(purpose);
    }

    /// Takes or leaves what is typed.
    pub(super) fn leave_entry(&mut self, action: Action) -> Option<Effect> {
        let Overlay::Entry(purpose) = self.ui.overlay else { return None };
        self.close();
        let typed = std::mem::take(&mut self.ui.line).text().to_owned();
        if action != Action::Enter {
            return None;
        }
        match purpose {
            Purpose::Step => self.go_to_step(&typed),
            // The palette has keys of its own.
            Purpose::Command => {}
            Purpose::Value => controls::take_value(self, &typed),
            Purpose::Note => controls::take_note(self, &typed),
            Purpose::RollBack => controls::take_roll_back(self, &typed),
            Purpose::SettingFilter => {
                (self.ui.controls.filter, self.ui.controls.setting) = (typed.trim().to_lowercase(), 0);
            }
            Purpose::DatabaseFilter => ask::take_filter(self, &typed),
            Purpose::Question => ask::take_question(self, &typed),
            Purpose::Filter => self.filter_rollouts(&typed),
            Purpose::Weights => self.reweigh(&typed),
        }
        None
    }
}
