//! Between a computation and the world: progress out, requests to end in.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use super::{control::Control, watch::Watch};
use crate::run::{
    event::{Event, Phase, Progress, StateChanged},
    profile::Work,
    reporter::Reporter,
    store::StoreError,
};

/// What breaks a computation off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaks {
    /// A request to end at once.
    OnDroppedStep,
    /// Any request to end.
    OnAnyStop,
}

/// Carries progress from a computation to the viewers, and requests to end from the control to the computation.
pub(super) struct Bridge<'a> {
    control: &'a mut Control,
    reporter: &'a mut Reporter,
    step: u64,
    told: Option<(Phase, Instant)>,
    breaks: Breaks,
    failed: Option<StoreError>,
}

impl<'a> Bridge<'a> {
    /// For the computation of `step`.
    pub fn new(control: &'a mut Control, reporter: &'a mut Reporter, step: u64, breaks: Breaks) -> Self {
        Self { control, reporter, step, told: None, breaks, failed: None }
    }

    /// Progress within a phase is told at most so often.
    fn is_news(&self, phase: Phase) -> bool {
        self.told.is_none_or(|(last, at)| last != phase || at.elapsed() > Duration::from_millis(100))
    }

    fn tell(&mut self, event: Event) {
        if let Err(error) = self.reporter.report(event) {
            self.failed.get_or_insert(error);
        }
    }

    /// What went wrong in telling, if anything did.
    pub fn finish(self) -> Result<(), StoreError> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl Watch for Bridge<'_> {
    fn enter(&mut self, work: Work) {
        self.reporter.enter(work, self.step);
    }

    fn progress(&mut self, phase: Phase, done: u64, total: u64) -> ControlFlow<()> {
        if self.is_news(phase) {
            self.told = Some((phase, Instant::now()));
            self.tell(Event::Progress(Progress { step: self.step, phase, done, total }));
        }
        let wanted = self.control.poll();
        let due = self.control.due();
        if due != self.control.told {
            self.control.told = due;
            self.tell(Event::State(StateChanged { state: due }));
        }
        let stops = wanted.stop.is_some_and(|stop| stop.drops_step() || self.breaks == Breaks::OnAnyStop);
        if stops || self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
