//! A replayed run: keys move its tape.

use std::time::{Duration, Instant};

use super::App;
use crate::{
    cockpit::{
        action::{Action, Scope},
        entry::Purpose,
        tape::Tape,
        ui::Overlay,
    },
    run::event::{Event, LogLevel, Record},
};

/// Why keys that ask something of a trainer do nothing.
pub const NO_TRAINER: &str = "this is a replay, no trainer is there to ask";

impl App {
    /// Makes it a player of a stored run: records go onto a tape, and what is shown is the run at the tape's place.
    #[must_use]
    pub fn replaying(self, speed: f64) -> Self {
        Self { tape: Some(Tape::new(speed)), ..self }
    }

    /// The tape of a replayed run.
    pub fn tape(&self) -> Option<&Tape> {
        self.tape.as_ref()
    }

    /// The newest stored record that is here.
    pub fn last_seq(&self) -> u64 {
        self.tape.as_ref().map_or_else(|| self.run.last_seq(), Tape::last_seq)
    }

    /// The past is here: a replay starts.
    pub fn begin(&mut self) {
        if let Some(tape) = &mut self.tape {
            tape.rewind(&mut self.run);
        }
    }

    /// How long until a replayed run goes on by itself.
    pub fn wait(&self) -> Option<Duration> {
        self.tape.as_ref().and_then(Tape::wait)
    }

    /// Lets a replayed run go on.
    pub fn tick(&mut self, now: Instant) {
        if let Some(tape) = &mut self.tape {
            tape.tick(now, &mut self.run);
        }
    }

    /// The scopes in which a key is looked up, the innermost first.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        match self.ui.overlay {
            Overlay::Quit(_) => vec![Scope::Quit],
            Overlay::Entry(_) => vec![Scope::Entry],
            Overlay::Palette(_) => vec![Scope::Palette],
            Overlay::Themes(_) => vec![Scope::Themes],
            _ => self.scopes_below(),
        }
    }

    /// Puts a record onto the tape, if there is one. What is not stored is for people at the screen.
    pub(super) fn onto_tape(&mut self, record: &Record) -> bool {
        let Some(tape) = &mut self.tape else { return false };
        match &record.event {
            Event::Log(line) if record.seq == 0 => self.toast(line.level, line.message.clone()),
            _ => tape.push(record),
        }
        true
    }

    /// Does what a key of the replay means.
    pub(super) fn play(&mut self, action: Action) {
        let Some(tape) = &mut self.tape else { return };
        match action {
            Action::PlayPause => tape.toggle(&mut self.run),
            Action::Faster => tape.accelerate(2.0),
            Action::Slower => tape.accelerate(0.5),
            Action::StepBack => tape.by_steps(-1, &mut self.run),
            Action::StepOn => tape.by_steps(1, &mut self.run),
            Action::LeapBack => tape.by_steps(-10, &mut self.run),
            Action::LeapOn => tape.by_steps(10, &mut self.run),
            Action::ToStart => tape.rewind(&mut self.run),
            Action::ToEnd => tape.wind_on(&mut self.run),
            Action::ToStep => {
                self.type_line(Purpose::Step, "");
            }
            _ => {}
        }
    }

    /// Goes to the step that was typed.
    pub(super) fn go_to_step(&mut self, typed: &str) {
        let (Ok(step), Some(tape)) = (typed.parse(), &mut self.tape) else { return };
        let reached = tape.seek_step(step, &mut self.run);
        if reached != step {
            self.toast(LogLevel::Warn, format!("there is no step {step}; this is step {reached}"));
        }
    }
}
