//! What the doctor says of the run, and what is done about it by the settings.

use super::Session;
use crate::{
    doctor::{Doctor, Patient},
    rl::{TrainError, learner::Learner},
    run::{
        event::{Alarm, Event, LogLevel},
        store::{RunStore, StoreError},
    },
    settings::{Detector, Policy},
};

impl<L: Learner> Session<'_, L> {
    /// Reports an event, and whatever the doctor has to say of it.
    pub(super) fn watched(&mut self, event: Event) -> Result<(), TrainError> {
        let patient = Patient { settings: self.trainer.settings(), memory: self.total_memory };
        let alarms = self.doctor.see(&event, &patient);
        self.reporter.report(event)?;
        for mut alarm in alarms {
            if alarm.active {
                alarm.done = self.treat(&alarm);
                tracing::warn!("doctor: {}: {}", alarm.detector, alarm.what);
            } else {
                tracing::info!("doctor: {} is over", alarm.detector);
            }
            self.reporter.report(Event::Alarm(Box::new(alarm)))?;
        }
        Ok(())
    }

    /// Lets the doctor of a run that was taken up look at what the store has of it, and tells what is still wrong. What the settings
    /// ask for is not done again.
    pub(super) fn take_up_doctor(&mut self) -> Result<(), TrainError> {
        let Some(from) = self.started.resumed_from else { return Ok(()) };
        let patient = Patient { settings: self.trainer.settings(), memory: self.total_memory };
        let read =
            |path| -> Result<Doctor, StoreError> { Doctor::taking_up(&RunStore::open_read_only(path)?, &patient) };
        match read(&self.folder.store()) {
            Ok(doctor) => self.doctor = doctor,
            Err(error) => {
                let text = format!("the doctor begins anew, for the run's past cannot be read: {error}");
                self.reporter.log(LogLevel::Warn, text)?;
            }
        }
        for alarm in self.doctor.standing(from) {
            self.reporter.report(Event::Alarm(Box::new(alarm)))?;
        }
        Ok(())
    }

    /// Does what the settings ask for; says what that is.
    fn treat(&mut self, alarm: &Alarm) -> Option<String> {
        let doctor = &self.trainer.settings().doctor;
        let detector = Detector::ALL.into_iter().find(|detector| detector.name() == alarm.detector)?;
        match doctor.policy(detector) {
            Policy::Notify => None,
            Policy::Pause => {
                self.control.wanted.pause = true;
                Some("paused, as the settings ask for".into())
            }
            Policy::Checkpoint => {
                self.control.wanted.checkpoint = true;
                self.control.note.get_or_insert_with(|| format!("doctor: {}", detector.title()));
                Some("a checkpoint is written, as the settings ask for".into())
            }
        }
    }
}
