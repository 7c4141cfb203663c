//! How gradients flowed through the layers, in the newest steps that told it.

use std::{collections::VecDeque, sync::Arc};

use crate::run::event::GradientFlow;

/// A bounded history of gradients by layer, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flows(VecDeque<Arc<GradientFlow>>);

impl Flows {
    /// Steps kept.
    pub const LIMIT: usize = 64;

    /// Adds a step, forgetting the oldest one where there is no room.
    pub fn push(&mut self, flow: GradientFlow) {
        if self.0.len() == Self::LIMIT {
            self.0.pop_front();
        }
        self.0.push_back(Arc::new(flow));
    }

    /// Forgets later steps.
    pub fn truncate_after(&mut self, step: u64) {
        self.0.retain(|flow| flow.step <= step);
    }

    /// How many steps are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A step, counted from the oldest one kept.
    pub fn get(&self, at: usize) -> Option<&Arc<GradientFlow>> {
        self.0.get(at)
    }
}
