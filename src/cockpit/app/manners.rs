//! What the app tells the person beside the picture: notices, the window's title, what is copied.

use super::App;
use crate::{
    cockpit::figures,
    run::event::{Event, LogLevel, Record, Severity},
};

/// Something for the terminal that is no part of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text for the clipboard.
    Copy(String),
    /// Something that a person who looks elsewhere wants to know.
    Notice(String),
}

impl App {
    /// What is to be told since it was asked last.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    /// Copies a text: what the person has on show.
    pub fn copy(&mut self, what: &str, text: String) {
        self.messages.push(Message::Copy(text));
        self.toast(LogLevel::Info, format!("{what} is copied, if the terminal takes OSC 52"));
    }

    /// Calls a person who may look elsewhere.
    pub fn call(&mut self, text: impl Into<String>) {
        self.messages.push(Message::Notice(text.into()));
    }

    /// Copies the query on show.
    pub(super) fn copy_query(&mut self) {
        let Some(group) = self.on_show() else {
            return self.toast(LogLevel::Warn, "there is no query to copy yet".into());
        };
        let Some(candidate) = group.candidates.get(self.candidate_of(&group)) else { return };
        let (what, text) =
            if candidate.sql.is_empty() { ("the reply", &candidate.text) } else { ("the query", &candidate.sql) };
        self.copy(what, text.clone());
    }

    /// Calls for what cannot wait: the end of the run, a new best accuracy, an alarm.
    pub(super) fn call_for(&mut self, record: &Record) {
        match &record.event {
            Event::End(ended) => {
                let why = ended.message.as_deref().unwrap_or("it is over");
                self.call(format!("run ended after step {}: {why}", ended.step));
            }
            Event::Alarm(alarm) if alarm.active => self.call(format!("doctor: {}", alarm.what)),
            Event::Eval(eval) if eval.best && eval.step > 0 => {
                let percent = eval.execution_accuracy * 100.0;
                self.call(format!("new best held-out accuracy: {percent:.1}% at step {}", eval.step));
            }
            Event::Alarm(alarm) if alarm.active && alarm.severity >= Severity::Warning => {
                self.call(format!("doctor, step {}: {}", alarm.step, alarm.what));
            }
            _ => {}
        }
    }

    /// The window's title: what is going on and how far it is.
    pub fn title(&self) -> String {
        let Some(info) = self.run.info() else { return "sqlr1-tui".into() };
        let step = self.run.step();
        let percent = (step * 100).checked_div(info.max_steps).unwrap_or(0);
        let accuracy =
            self.run.evals().last().map_or_else(String::new, |eval| {
                format!(" · {}", figures::Unit::Percent.show(eval.execution_accuracy))
            });
        format!("{} {step}/{} ({percent}%){accuracy} · sqlr1-tui", info.name, info.max_steps)
    }
}
