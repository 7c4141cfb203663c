//! The newest groups of candidates.

use std::{collections::VecDeque, sync::Arc};

use crate::run::event::GroupScored;

/// A bounded history of groups, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    groups: VecDeque<Arc<GroupScored>>,
    forgotten: u64,
}

impl Samples {
    /// Groups kept in memory; the store has them all.
    pub const LIMIT: usize = 512;

    /// Adds a group, forgetting the oldest one where there is no room.
    pub fn push(&mut self, group: GroupScored) {
        if self.groups.len() == Self::LIMIT {
            self.groups.pop_front();
            self.forgotten += 1;
        }
        self.groups.push_back(Arc::new(group));
    }

    /// Takes note of older groups that were never here.
    pub fn forget(&mut self, groups: u64) {
        self.forgotten += groups;
    }

    /// Forgets the groups of later steps.
    pub fn truncate_after(&mut self, step: u64) {
        self.groups.retain(|group| group.step <= step);
    }

    /// How many groups are kept.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many groups had to make room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A group, counted from the oldest one kept.
    pub fn get(&self, index: usize) -> Option<&Arc<GroupScored>> {
        self.groups.get(index)
    }

    /// All groups kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &GroupScored> {
        self.groups.iter().map(Arc::as_ref)
    }

    /// The groups of a step that are kept.
    pub fn of_step(&self, step: u64) -> impl Iterator<Item = &GroupScored> {
        self.shared_of_step(step).map(Arc::as_ref)
    }

    /// The same, to be kept elsewhere too.
    pub fn shared_of_step(&self, step: u64) -> impl Iterator<Item = &Arc<GroupScored>> {
        let start = self.groups.partition_point(|group| group.step < step);
        self.groups.range(start..).take_while(move |group| group.step == step)
    }

    /// Where a group of this step and number is.
    pub fn position(&self, step: u64, group: usize) -> Option<usize> {
        self.groups.iter().rposition(|g| g.step == step && g.group == group)
    }
}
