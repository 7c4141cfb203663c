//! The other viewers: who is there, and who is in control.

use super::App;
use crate::{
    cockpit::action::{Action, Scope, info_of},
    run::{event::LogLevel, presence::Presence},
};

impl App {
    /// Takes in who looks on and who steers, and says what has changed.
    pub fn see(&mut self, presence: &Presence) {
        let before = self.presence.replace(presence.clone());
        let Some(before) = before else {
            if !presence.mine {
                self.announce(LogLevel::Info, format!("you look on: {}", self.how_to_steer()));
            }
            return;
        };
        if presence.refused > before.refused {
            self.asked = None;
            self.toast(LogLevel::Warn, format!("refused: {}", self.how_to_steer()));
        }
        let others = presence.viewers.saturating_sub(1);
        if presence.viewers > before.viewers {
            self.announce(LogLevel::Info, format!("a viewer has come: {others} beside you"));
        } else if presence.viewers < before.viewers {
            self.announce(LogLevel::Info, format!("a viewer has left: {others} beside you"));
        }
        if presence.mine != before.mine || presence.control != before.control {
            let words = if presence.mine { "you are in control".into() } else { self.how_to_steer() };
            self.announce(LogLevel::Info, words);
        }
    }

    /// Who looks on and who steers, if a trainer is there to say so.
    pub fn presence(&self) -> Option<&Presence> {
        self.presence.as_ref().filter(|_| self.has_trainer())
    }

    /// Whether commands of this viewer are obeyed. Until it is told otherwise they may be.
    pub fn is_in_control(&self) -> bool {
        self.has_trainer() && self.presence.as_ref().is_none_or(|presence| presence.mine)
    }

    pub(super) fn take_control(&mut self) {
        match &self.commands {
            Some(commands) if self.run.is_live() && !self.is_in_control() => commands.take_control(),
            Some(_) if self.run.is_live() => self.toast(LogLevel::Info, "you are in control".into()),
            _ => self.toast(LogLevel::Warn, "no trainer is there to control".into()),
        }
    }

    /// Who is in control, and the key that changes that.
    pub(super) fn how_to_steer(&self) -> String {
        let key = info_of(Action::TakeControl, Scope::Main).map_or_else(String::new, |info| self.keymap.label(info));
        match self.presence.as_ref().and_then(|presence| presence.control.as_ref()) {
            Some(name) => format!("{name} is in control; press {key} to take control"),
            None => format!("nobody is in control; press {key} to take control"),
        }
    }

    fn announce(&mut self, level: LogLevel, words: String) {
        self.run.say(None, level, words.clone());
        self.toast(level, words);
    }
}
