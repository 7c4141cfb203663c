//! What a run's store says, as a cockpit reads it.

use std::ops::{ControlFlow, RangeInclusive};

use crate::run::{
    event::{Event, GroupScored, Record},
    store::{PastSink, Portion},
};

/// Stored records, read again by a cockpit that missed some.
pub trait History: Send + Sync {
    /// All stored records after `seq`, in order.
    ///
    /// # Errors
    /// When the store cannot be read; the text is for people.
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError>;

    /// Hands over all stored records but groups older than the newest `groups` ones, in portions.
    ///
    /// # Errors
    /// As [`History::since`].
    fn past(&self, groups: usize, sink: &mut PastSink<'_>) -> Result<(), HistoryError> {
        let _ = groups;
        sink(Portion::Records(self.since(0)?));
        Ok(())
    }

    /// All stored records but groups.
    ///
    /// # Errors
    /// As [`History::since`].
    fn without_groups(&self) -> Result<Vec<Record>, HistoryError> {
        let mut all = Vec::new();
        self.past(0, &mut |portion| match portion {
            Portion::Records(records) => all.extend(records),
            Portion::Anew => all.clear(),
            Portion::Coming { .. } => {}
        })?;
        Ok(all)
    }

    /// Hands over the stored groups of some steps, by step, until told to stop; those that a resumption made void are left out.
    ///
    /// # Errors
    /// As [`History::since`].
    fn groups(&self, steps: RangeInclusive<u64>, sink: &mut GroupSink<'_>) -> Result<(), HistoryError> {
        let mut groups: Vec<GroupScored> = Vec::new();
        for record in self.since(0)? {
            match record.event {
                Event::Group(group) if steps.contains(&group.step) => groups.push(*group),
                Event::Run(run) => groups.retain(|group| run.resumed_from.is_none_or(|from| group.step <= from)),
                _ => {}
            }
        }
        groups.sort_by_key(|group| group.step);
        let _ = groups.into_iter().try_for_each(sink);
        Ok(())
    }
}

/// Takes groups, and says whether more are wanted.
pub type GroupSink<'a> = dyn FnMut(GroupScored) -> ControlFlow<()> + 'a;

/// The store could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot read the run's stored events: {0}")]
pub struct HistoryError(pub String);
