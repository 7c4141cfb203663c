//! What is asked of the trainer: pausing, checkpoints, evaluations, stopping.

use super::{App, Effect, Leave, NO_TRAINER};
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

    /// Why nothing can be asked of a trainer, if that is so.
    pub fn why_no_orders(&self) -> Option<String> {
        match &self.commands {
            Some(_) if self.tape().is_some() => Some(NO_TRAINER.into()),
            Some(_) if self.is_in_control() => None,
            Some(_) if self.run.is_live() => Some(self.how_to_steer()),
            Some(_) if self.run.is_lost() => Some("no trainer is there to ask".into()),
            Some(_) => Some("the run has ended: no trainer is there to ask".into()),
            None => Some("no trainer is attached: this is what the run's store says".into()),
        }
    }

    /// Sends a command; tells with these words that it is sent, or why not. Whether it is.
    pub fn order(&mut self, command: Command, words: &str) -> bool {
        let refused = self.why_no_orders();
        match (&self.commands, refused) {
            (Some(commands), None) => {
                commands.send(command);
                self.toast(LogLevel::Info, words.to_owned());
                return true;
            }
            (_, Some(why)) => self.toast(LogLevel::Warn, why),
            (None, None) => {}
        }
        false
    }
}
