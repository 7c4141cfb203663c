//! The doctor of a run that is taken up again: as if it had watched from the start.

use super::{Doctor, Patient, alarm};
use crate::run::{
    event::{Alarm, Event, Record},
    store::{RunStore, StoreError},
};

/// Records read at a time: groups are large, and long runs have many.
const CHUNK: usize = 256;

impl Doctor {
    /// A doctor that has seen all that still holds of a run's stored events, and judged it by the settings of now. What it found
    /// then was told then; [`Doctor::standing`] says what is still so.
    ///
    /// # Errors
    /// The store cannot be read, or not all of it.
    pub fn taking_up(store: &RunStore, patient: &Patient<'_>) -> Result<Self, StoreError> {
        let runs = store.of_kinds(&["run"])?;
        let resumed: Vec<(u64, u64)> =
            runs.iter().filter_map(|record| Some((record.seq, record.event.step()?))).collect();
        let is_void = |record: &Record| {
            record.event.step().is_some_and(|step| resumed.iter().any(|(seq, from)| *seq > record.seq && *from < step))
        };
        let (mut doctor, mut seq, mut done) = (Self::default(), 0, 0);
        loop {
            let chunk = store.since(seq, CHUNK)?;
            let Some(last) = chunk.last() else { return Ok(doctor) };
            seq = last.seq;
            for record in chunk.iter().filter(|record| !is_void(record)) {
                match &record.event {
                    // Those of an evaluation come after their step's end, and are nobody's training.
                    Event::Group(group) if group.step <= done => continue,
                    // Where it was taken up is known already, and no reason to begin anew.
                    Event::Run(_) => continue,
                    Event::Step(step) => done = step.step,
                    _ => {}
                }
                doctor.see(&record.event, patient);
            }
        }
    }

    /// The alarms that are raised, as they are told at a step.
    pub fn standing(&self, step: u64) -> Vec<Alarm> {
        let raised = self.wards.iter().filter_map(|ward| Some((ward.detector, ward.course.raised()?)));
        raised.map(|(detector, turn)| alarm(detector, step, turn)).collect()
    }
}
