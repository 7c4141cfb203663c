//! What happens in the run, and what the person is told of it at once.

use super::{App, Effect, Leave};
use crate::{
    cockpit::{shelf::Shelf, ui::Overlay},
    run::event::{Event, LogLevel, Record},
};

impl App {
    /// Takes in a record.
    pub fn record(&mut self, record: &Record) -> Option<Effect> {
        if self.onto_tape(record) {
            return None;
        }
        self.run.apply(record);
        self.call_for(record);
        match &record.event {
            Event::State(_) => self.asked = None,
            // What was read of later steps may be void by now.
            Event::Run(_) => self.shelf = Shelf::default(),
            Event::End(ended) => {
                self.asked = None;
                // Who was there to see it end is told what came of it; a stored run is there to be looked at.
                if self.commands.is_some() && ended.reason.is_done() {
                    self.ui.overlay = Overlay::Finished;
                }
            }
            Event::Checkpoint(saved) => {
                self.toast(LogLevel::Info, format!("checkpoint of step {} is saved", saved.step));
            }
            Event::Eval(eval) => {
                self.toast(
                    LogLevel::Info,
                    format!("held-out accuracy {:.1}% ({}/{})", eval.execution_accuracy * 100.0, eval.correct, eval.n),
                );
            }
            Event::Changed(change) => {
                self.toast(
                    LogLevel::Info,
                    format!("{} is {} from step {} on", change.key, change.new, change.takes_effect),
                );
            }
            Event::Refused(refusal) => {
                self.toast(LogLevel::Warn, format!("asked {}, which is refused: {}", refusal.asked, refusal.reason));
            }
            Event::Alarm(alarm) if alarm.active => {
                let done = alarm.done.as_ref().map_or_else(String::new, |done| format!("; {done}"));
                // What the person has just been told stays: the log, the tab and the chart have the alarm too.
                if self.ui.toast.is_none() {
                    self.toast(LogLevel::Warn, format!("doctor: {}{done}", alarm.what));
                }
            }
            Event::Answer(answer) => self.toast(LogLevel::Info, format!("answered: {}", answer.question)),
            _ => {}
        }
        (self.leaving && !self.run.is_live()).then_some(Effect::Leave(Leave::Stopped))
    }

    /// The trainer hung up.
    pub fn trainer_gone(&mut self) -> Option<Effect> {
        if self.tape.is_some() {
            return None;
        }
        self.run.trainer_gone();
        (self.leaving).then_some(Effect::Leave(Leave::Stopped))
    }
}
