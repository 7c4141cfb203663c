//! What is asked of the trainer: pausing, checkpoints, evaluations, stopping.

use super::{App, Effect, Leave};
use crate::{
    cockpit::{action::Action, ui::Overlay},
    run::{
        command::Command,
        event::{LogLevel, RunState},
    },
};

impl App {
    pub(super) fn quit(&mut self) -> Option<Effect> {
        if self.ui.overlay == Overlay::Help {
            self.ui.overlay = Overlay::None;
            return None;
        }
        if self.leaving {
            return Some(Effect::Leave(Leave::Abandoned));
        }
        if self.commands.is_none() || !self.run.is_live() {
            return Some(Effect::Leave(Leave::Quit));
        }
        self.ui.overlay = Overlay::Quit(0);
        None
    }

    pub(super) fn answer(&mut self, action: Action) -> Option<Effect> {
        let Overlay::Quit(marked) = self.ui.overlay else { return None };
        let stop = |checkpoint| Command::Stop { checkpoint };
        let command = match action {
            Action::Down => {
                self.ui.overlay = Overlay::Quit((marked + 1) % 3);
                return None;
            }
            Action::Up => {
                self.ui.overlay = Overlay::Quit((marked + 2) % 3);
                return None;
            }
            Action::Choose => [Some(stop(true)), Some(stop(false)), None][marked.min(2)],
            Action::StopWithCheckpoint => Some(stop(true)),
            Action::StopWithout => Some(stop(false)),
            Action::LeaveNow => return Some(Effect::Leave(Leave::Abandoned)),
            _ => None,
        };
        self.ui.overlay = Overlay::None;
        if let Some(command) = command {
            self.leaving = true;
            self.asked = Some(RunState::Stopping);
            self.order(command, "stopping; q again leaves without waiting");
        }
        None
    }

    pub(super) fn pause_or_resume(&mut self) {
        let (command, asked, words) = match self.run.state() {
            RunState::Paused | RunState::Pausing => (Command::Resume, RunState::Running, "going on"),
            _ => (Command::Pause, RunState::Pausing, "pausing at the end of the step"),
        };
        if self.order(command, words) {
            self.asked = Some(asked);
        }
    }

    pub(super) fn order(&mut self, command: Command, words: &str) -> bool {
        match (&self.commands, self.run.is_live()) {
            (Some(commands), true) => {
                commands.send(command);
                self.toast(LogLevel::Info, words.to_owned());
                true
            }
            (None, _) => {
                self.toast(LogLevel::Warn, "no trainer is attached: this is a stored run".into());
                false
            }
            (_, false) => {
                self.toast(LogLevel::Warn, "the run has ended: no trainer is there to ask".into());
                false
            }
        }
    }
}
