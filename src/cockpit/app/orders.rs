//! What is asked of the trainer: pausing, checkpoints, evaluations, stopping.

use super::{App, Effect, Leave};
use crate::{
    cockpit::{action::Action, ui::Overlay},
    run::{
        command::Command,
        event::{LogLevel, RunState},
    },
};

/// What is offered to somebody who leaves while a trainer is at work, the safest first.
pub const QUIT_ANSWERS: [Action; 4] = [Action::Detach, Action::StopWithCheckpoint, Action::StopWithout, Action::Stay];

impl App {
    pub(super) fn quit(&mut self) -> Option<Effect> {
        if self.ui.overlay == Overlay::Help {
            self.ui.overlay = Overlay::None;
            return None;
        }
        if self.leaving {
            return Some(Effect::Leave(Leave::Unwaited));
        }
        if !self.has_trainer() {
            return Some(Effect::Leave(Leave::Quit));
        }
        if !self.is_in_control() {
            return Some(Effect::Leave(Leave::Detached));
        }
        self.ui.overlay = Overlay::Quit(0);
        None
    }

    pub(super) fn answer(&mut self, action: Action) -> Option<Effect> {
        let Overlay::Quit(marked) = self.ui.overlay else { return None };
        let answers = QUIT_ANSWERS.len();
        let action = match action {
            Action::Down => {
                self.ui.overlay = Overlay::Quit((marked + 1) % answers);
                return None;
            }
            Action::Up => {
                self.ui.overlay = Overlay::Quit((marked + answers - 1) % answers);
                return None;
            }
            Action::Choose => QUIT_ANSWERS[marked.min(answers - 1)],
            other => other,
        };
        self.ui.overlay = Overlay::None;
        match action {
            Action::Detach => return Some(Effect::Leave(Leave::Detached)),
            Action::StopWithCheckpoint => self.stop(true),
            Action::StopWithout => self.stop(false),
            _ => {}
        }
        None
    }

    fn stop(&mut self, checkpoint: bool) {
        if self.order(Command::Stop { checkpoint }, "stopping; q again leaves without waiting") {
            self.leaving = true;
            self.asked = Some(RunState::Stopping);
        }
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
        match &self.commands {
            Some(commands) if self.is_in_control() => {
                commands.send(command);
                self.toast(LogLevel::Info, words.to_owned());
                return true;
            }
            Some(_) if self.run.is_live() => self.toast(LogLevel::Warn, self.how_to_steer()),
            Some(_) if self.run.is_lost() => self.toast(LogLevel::Warn, "no trainer is there to ask".into()),
            Some(_) => self.toast(LogLevel::Warn, "the run has ended: no trainer is there to ask".into()),
            None => self.toast(LogLevel::Warn, "no trainer is attached: this is what the run's store says".into()),
        }
        false
    }
}
