//! What a person orders between steps: other settings, going back to a checkpoint, questions. Each is done or refused, and told.

use super::{Session, caught};
use crate::{
    rl::{
        TrainError,
        ask::Asked,
        bridge::{Breaks, Bridge},
        control::Stop,
        learner::Learner,
        watch::Watch as _,
    },
    run::{
        checkpoint,
        command::Command,
        event::{ChangedBy, Event, LogLevel, Refusal, RunState, SettingChanged},
        profile::Work,
    },
};

/// Orders that may wait at a time: more come from no person.
const MOST: usize = 32;

impl<L: Learner> Session<'_, L> {
    /// Does what was ordered, in that order.
    pub(super) fn do_orders(&mut self, stop: Option<Stop>) -> Result<(), TrainError> {
        let crowded = self.control.orders.len() > MOST;
        while let Some(order) = self.control.orders.pop_front() {
            let asked = order.words();
            let refused = match order {
                _ if stop.is_some() => Some("the run is stopping".to_owned()),
                _ if crowded => Some(format!("more than {MOST} orders came at once")),
                Command::Set { key, value } => self.set(key, value)?,
                Command::RollBack { checkpoint } => self.roll_back(checkpoint)?,
                Command::Ask { database, question } => self.ask(&database, &question)?,
                _ => Some("it takes a newer version of the trainer".to_owned()),
            };
            if let Some(reason) = refused {
                tracing::warn!("asked {asked}, which is refused: {reason}");
                self.reporter.report(Event::Refused(Refusal { asked, reason }))?;
            }
        }
        Ok(())
    }

    /// Trains on with another value; `Some` is why not.
    fn set(&mut self, key: String, value: serde_json::Value) -> Result<Option<String>, TrainError> {
        let takes_effect = self.step() + 1;
        let (old, by) = (serde_json::Value::Null, ChangedBy::Person);
        if let Err(reason) = self.trainer.change(SettingChanged { key, old, new: value, takes_effect, by }) {
            return Ok(Some(reason));
        }
        if let Some(change) = self.trainer.progress().changes.last().cloned() {
            tracing::info!("{} is {} from step {takes_effect} on, was {}", change.key, change.new, change.old);
            self.reporter.report(Event::Changed(change))?;
        }
        Ok(None)
    }

    /// Goes back to a checkpoint as a resumption would; `Some` is why not.
    fn roll_back(&mut self, step: u64) -> Result<Option<String>, TrainError> {
        let folder = self.folder.checkpoints();
        let Some(path) = checkpoint::of_step(&folder, step) else {
            return Ok(Some(format!("there is no checkpoint of step {step} any more")));
        };
        let checkpoint = match checkpoint::read(&path) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Some(error.to_string())),
        };
        if let Err(error) = self.trainer.roll_back(&checkpoint) {
            return Ok(Some(error.to_string()));
        }
        // A trainer that is killed from here on resumes from this checkpoint too.
        let aside = checkpoint::set_aside_after(&folder, step)?;
        self.newest = Some(path);
        self.started.resumed_from = Some(step);
        self.started.changes.clone_from(&self.trainer.progress().changes);
        self.started.settings =
            serde_json::to_value(self.trainer.settings()).map_err(|error| TrainError::Unusable(error.to_string()))?;
        self.watched(Event::Run(Box::new(self.started.clone())))?;
        self.take_up_doctor()?;
        for path in aside {
            let text = format!("a later checkpoint is void now, and set aside: {}", path.display());
            self.reporter.log(LogLevel::Info, text)?;
        }
        self.control.told = RunState::Loading;
        Ok(None)
    }

    /// Answers a question; `Some` is why not. Whatever goes wrong in it, the run goes on.
    fn ask(&mut self, database: &str, question: &str) -> Result<Option<String>, TrainError> {
        let step = self.step();
        let trainer = &self.trainer;
        let mut bridge = Bridge::new(self.control, self.reporter, step, Breaks::OnAnyStop);
        bridge.enter(Work::Evaluation);
        let asked = caught(|| trainer.ask(database, question, &mut bridge));
        bridge.finish()?;
        self.reporter.leave();
        match asked {
            Ok(Asked::Answered(answer)) => {
                self.reporter.report(Event::Answer(answer))?;
                Ok(None)
            }
            Ok(Asked::Refused(reason)) => Ok(Some(reason)),
            Err(error) => Ok(Some(error.to_string())),
        }
    }
}
