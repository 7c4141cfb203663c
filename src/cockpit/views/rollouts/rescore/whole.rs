//! A whole run under other weights, read from its store on another thread.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{
    Weights,
    summary::{Summary, Tally},
};
use crate::{
    cockpit::{App, History, HistoryError, Work},
    run::event::{GroupScored, LogLevel},
    settings::GrpoSettings,
};

/// A reading that is under way, or what it has brought.
#[derive(Debug, Clone)]
pub struct Whole {
    reading: Arc<Reading>,
    /// Groups that there are, about.
    of: u64,
    /// The last step that counts.
    until: u64,
    summary: Option<Summary>,
}

/// What reader and screen know of each other.
#[derive(Debug, Default)]
struct Reading {
    groups: AtomicU64,
    unwanted: AtomicBool,
}

impl Whole {
    /// Which share of the run was read, as long as that is not all.
    pub fn share(&self) -> Option<f64> {
        let read = self.reading.groups.load(Ordering::Relaxed) as f64 / self.of.max(1) as f64;
        self.summary.is_none().then_some(read.min(1.0))
    }
}

impl App {
    /// Reads the whole run under the weights typed, where it is longer than what is in memory.
    pub(super) fn rescore_all(&mut self) {
        if let Some(before) = self.ui.rollouts.whole.take() {
            before.reading.unwanted.store(true, Ordering::Relaxed);
        }
        let Some(weights) = self.ui.rollouts.weights.clone() else { return };
        let samples = self.run.samples();
        if samples.forgotten() == 0 {
            return;
        }
        let (grpo, until, reading) = (self.grpo(), self.run.step(), Arc::new(Reading::default()));
        let of = samples.forgotten() + samples.len() as u64;
        self.ui.rollouts.whole = Some(Whole { reading: Arc::clone(&reading), of, until, summary: None });
        self.later(Work::new("re-score the whole run", move |history| {
            let read = read(history, until, &weights, &grpo, &reading);
            move |app: &mut Self| app.rescored(&reading, read)
        }));
    }

    fn rescored(&mut self, reading: &Arc<Reading>, read: Result<Summary, HistoryError>) {
        // Other weights were typed meanwhile, and their own reading is under way.
        let whole = self.ui.rollouts.whole.as_mut().filter(|whole| Arc::ptr_eq(&whole.reading, reading));
        let Some(whole) = whole else { return };
        match read {
            Ok(summary) => whole.summary = Some(summary),
            Err(error) => {
                self.ui.rollouts.whole = None;
                self.toast(LogLevel::Error, error.to_string());
            }
        }
    }

    /// The run under the weights typed, if some are: all of it once it was read, until then what is in memory. With words for which.
    pub(in crate::cockpit::views::rollouts) fn reweighed_summary(&self) -> Option<(Summary, String)> {
        let place = &self.ui.rollouts;
        let weights = place.weights.as_ref()?;
        // A replay that went back knows nothing of later steps.
        let whole = place.whole.as_ref().filter(|whole| whole.until <= self.run.step());
        if let Some((summary, until)) = whole.and_then(|whole| Some((whole.summary?, whole.until))) {
            return Some((summary, format!("all {} questions until step {until}", summary.groups)));
        }
        let samples = self.run.samples();
        let groups: Vec<_> = (0..samples.len()).filter_map(|at| samples.get(at)).cloned().collect();
        let summary = Summary::of(weights, &groups, &self.grpo());
        let share = whole.and_then(Whole::share);
        let reading = share.map_or_else(String::new, |share| format!(", {:.0}% of the run is read", share * 100.0));
        Some((summary, format!("newest {} questions{reading}", summary.groups)))
    }
}

/// Goes through the stored groups, a step in memory at a time.
fn read(
    history: &dyn History,
    until: u64,
    weights: &Weights,
    grpo: &GrpoSettings,
    reading: &Reading,
) -> Result<Summary, HistoryError> {
    let (mut tally, mut step): (_, Vec<Arc<GroupScored>>) = (Tally::default(), Vec::new());
    history.groups(0..=until, &mut |group| {
        if step.first().is_some_and(|first| first.step != group.step) {
            tally.add_all(weights, &step, grpo);
            step.clear();
        }
        step.push(Arc::new(group));
        reading.groups.fetch_add(1, Ordering::Relaxed);
        if reading.unwanted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    tally.add_all(weights, &step, grpo);
    Ok(tally.summary())
}
