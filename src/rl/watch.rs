//! How long computations tell their progress and learn that they should break off.

use std::ops::ControlFlow;

use crate::run::{event::Phase, profile::Work};

/// Listens to a computation. Called often; must be quick.
pub trait Watch {
    /// `done` of `total` units of a phase are done. `Break` asks the computation to stop and drop its result.
    fn progress(&mut self, phase: Phase, done: u64, total: u64) -> ControlFlow<()>;

    /// A piece of work begins; what it is no part of has ended.
    fn enter(&mut self, _: Work) {}
}

/// Watches nothing and never breaks off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn progress(&mut self, _: Phase, _: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
