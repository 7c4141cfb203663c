//! Groups of a long run that were read from the store to be shown: whole steps at a time, and not many of them.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use crate::run::event::GroupScored;

/// Groups kept at most.
const LIMIT: usize = 256;

/// What was read last.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// The groups of a step lie together, the step that was read last at the end.
    groups: VecDeque<Arc<GroupScored>>,
    /// The step that is being read.
    reading: Option<u64>,
    /// Steps that were asked for and that the store has nothing of.
    empty: BTreeSet<u64>,
}

impl Shelf {
    /// The groups of a step.
    pub fn of_step(&self, step: u64) -> impl Iterator<Item = &Arc<GroupScored>> {
        self.groups.iter().filter(move |group| group.step == step)
    }

    /// The group of a step and number; past the step's last one, that one.
    pub fn find(&self, (step, number): (u64, usize)) -> Option<&Arc<GroupScored>> {
        self.of_step(step).find(|group| group.group >= number).or_else(|| self.of_step(step).last())
    }

    /// Whether the store has nothing of a step.
    pub fn lacks(&self, step: u64) -> bool {
        self.empty.contains(&step)
    }

    /// Takes note that a step is to be read, if that makes sense now: one is read at a time, so that who runs through steps has only those
    /// read at which they stop.
    pub fn begin(&mut self, step: u64) -> bool {
        let begins = self.reading.is_none() && !self.lacks(step) && self.of_step(step).next().is_none();
        if begins {
            self.reading = Some(step);
        }
        begins
    }

    /// Puts in what was read of a step. What was read longest ago makes room.
    pub fn put(&mut self, step: u64, groups: Vec<Arc<GroupScored>>) {
        self.reading = None;
        if groups.is_empty() {
            self.empty.insert(step);
        }
        self.groups.retain(|group| group.step != step);
        self.groups.extend(groups);
        let over = self.groups.len().saturating_sub(LIMIT);
        self.groups.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::fixture::group;

    fn groups(step: u64, count: usize) -> Vec<Arc<GroupScored>> {
        (0..count).map(|number| Arc::new(group(step, number))).collect()
    }

    #[test]
    fn one_step_is_read_at_a_time_and_each_once() {
        let mut shelf = Shelf::default();
        assert!(shelf.begin(3) && !shelf.begin(3) && !shelf.begin(4));
        shelf.put(3, groups(3, 2));
        assert!(!shelf.begin(3) && shelf.begin(4));
        shelf.put(4, Vec::new());
        assert!(!shelf.begin(4) && shelf.lacks(4), "what is not there is not asked for again and again");
    }

    #[test]
    fn a_number_past_the_last_is_the_last() {
        let mut shelf = Shelf::default();
        shelf.put(3, groups(3, 2));
        let found = |key| shelf.find(key).map(|group| group.group);
        assert_eq!(
            [found((3, 0)), found((3, 1)), found((3, usize::MAX)), found((2, 0))],
            [Some(0), Some(1), Some(1), None]
        );
    }

    #[test]
    fn what_was_read_longest_ago_makes_room() {
        let mut shelf = Shelf::default();
        for step in 1..=5 {
            shelf.put(step, groups(step, 64));
        }
        assert_eq!((shelf.groups.len(), shelf.of_step(1).count(), shelf.of_step(5).count()), (LIMIT, 0, 64));
        shelf.put(6, groups(6, LIMIT + 9));
        assert_eq!((shelf.groups.len(), shelf.of_step(6).count()), (LIMIT, LIMIT));
    }
}
