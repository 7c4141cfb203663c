//! Watches a run's events and says what is wrong with it: since when, how sure, what it costs, and what to do.
//!
//! A pure fold: the same events and settings give the same alarms. It works in the trainer, so that its policies hold without a cockpit
//! too; cockpits see its alarms as events. Each detector is a file of its own in `detectors`; whether its readings raise an alarm is
//! decided for all of them in `course`, so that none flaps.

mod course;
mod detectors;
mod remedies;
mod taking_up;
#[cfg(test)]
mod tests;
mod window;

use course::{Course, Turn};
use detectors::{Detect, new};

use crate::{
    run::event::{Alarm, Cost, Event, Remedy, Severity},
    settings::{Detector, Settings},
};

/// What the doctor knows of a run beside its events.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// The settings that it computes by.
    pub settings: &'a Settings,
    /// Bytes of memory that there are, where that is known.
    pub memory: Option<u64>,
}

/// What a detector says of a step.
#[derive(Debug, Clone)]
enum Verdict {
    /// All is well.
    Healthy,
    /// Neither well nor ill enough to change anything.
    Unsettled,
    /// It is as the detector fears.
    Sick(Finding),
}

/// What a detector has found.
#[derive(Debug, Clone)]
struct Finding {
    severity: Severity,
    /// From 0 to 1.
    certainty: f64,
    what: String,
    cost: Option<Cost>,
    remedies: Vec<Remedy>,
}

/// Watches a run.
pub struct Doctor {
    wards: Vec<Ward>,
}

/// A detector with the course of what it looks for.
struct Ward {
    detector: Detector,
    detect: Box<dyn Detect>,
    course: Course,
}

impl Default for Doctor {
    fn default() -> Self {
        let ward = |detector| {
            let detect = new(detector);
            Ward { detector, course: Course::new(detect.patience()), detect }
        };
        Self { wards: Detector::ALL.into_iter().map(ward).collect() }
    }
}

impl Doctor {
    /// Takes in an event; the alarms that are raised, grew worse or are over with it. A run begins anew; for one that is
    /// taken up there is [`Doctor::taking_up`].
    pub fn see(&mut self, event: &Event, patient: &Patient<'_>) -> Vec<Alarm> {
        match event {
            Event::Run(_) => *self = Self::default(),
            Event::Group(group) => self.wards.iter_mut().for_each(|ward| ward.detect.group(group)),
            Event::Eval(eval) => self.wards.iter_mut().for_each(|ward| ward.detect.eval(eval)),
            Event::Step(done) => {
                let judge = |ward: &mut Ward| {
                    let threshold = patient.settings.doctor.threshold(ward.detector);
                    let verdict = match threshold {
                        Some(threshold) => ward.detect.judge(done, patient, threshold)?,
                        // What is switched off is over.
                        None => Verdict::Healthy,
                    };
                    let turn = ward.course.follow(done.step, verdict, threshold.is_none())?;
                    Some(alarm(ward.detector, done.step, turn))
                };
                return self.wards.iter_mut().filter_map(judge).collect();
            }
            _ => {}
        }
        Vec::new()
    }
}

fn alarm(detector: Detector, step: u64, turn: Turn) -> Alarm {
    let Turn { active, since, finding } = turn;
    let Finding { severity, certainty, what, cost, remedies } = finding;
    let detector = detector.name().to_owned();
    Alarm { detector, active, severity, since, step, confidence: certainty, what, cost, remedies, done: None }
}
