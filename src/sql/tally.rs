//! How often each outcome came about.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{Outcome, Overrun};

/// How often each outcome came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By [`Outcome::kind`].
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Of the timeouts, those that the clock decided and not the budget of steps: on another machine, or in a quieter
    /// hour, these queries might have come to something else.
    pub stopped_by_clock: u64,
}

impl Tally {
    /// What came since an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |kind| earlier.outcomes.get(kind).copied().unwrap_or(0);
        Self {
            outcomes: self.outcomes.iter().map(|(&kind, count)| (kind, count - before(kind))).collect(),
            stopped_by_clock: self.stopped_by_clock - earlier.stopped_by_clock,
        }
    }
}

/// Counts outcomes on any number of threads.
#[derive(Debug, Default)]
pub struct Counter(Mutex<Tally>);

impl Counter {
    /// Counts one.
    pub fn count(&self, outcome: &Outcome) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.outcomes.entry(outcome.kind()).or_default() += 1;
        tally.stopped_by_clock += u64::from(*outcome == Outcome::Timeout(Overrun::Clock));
    }

    /// The count so far.
    pub fn tally(&self) -> Tally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
