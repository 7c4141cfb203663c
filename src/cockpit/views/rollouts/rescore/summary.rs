//! Many groups under stored and other weights.

use std::sync::Arc;

use super::Weights;
use crate::{cockpit::filter::DEAD, run::event::GroupScored, settings::GrpoSettings};

/// What other weights would make of groups.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    pub groups: usize,
    /// Stored, and under the weights.
    pub mean: [f64; 2],
    /// Share of groups without spread.
    pub dead: [f64; 2],
    /// Share of groups of which another candidate is the best.
    pub other_winner: f64,
}

impl Summary {
    /// Of groups that are at hand.
    pub fn of(weights: &Weights, groups: &[Arc<GroupScored>], grpo: &GrpoSettings) -> Self {
        let mut tally = Tally::default();
        tally.add_all(weights, groups, grpo);
        tally.summary()
    }
}

/// Counts groups as they come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    groups: usize,
    candidates: usize,
    rewards: [f64; 2],
    dead: [usize; 2],
    other_winners: usize,
}

impl Tally {
    /// Adds whole steps, whose advantages may depend on one another.
    pub fn add_all(&mut self, weights: &Weights, groups: &[Arc<GroupScored>], grpo: &GrpoSettings) {
        for (group, new) in groups.iter().zip(weights.apply(groups, grpo)) {
            self.add(group, &new.iter().map(|(reward, _)| *reward).collect::<Vec<_>>());
        }
    }

    fn add(&mut self, group: &GroupScored, new: &[f64]) {
        let stored: Vec<f64> = group.candidates.iter().map(|candidate| candidate.reward).collect();
        self.groups += 1;
        self.candidates += stored.len();
        for (at, rewards) in [stored.as_slice(), new].into_iter().enumerate() {
            self.rewards[at] += rewards.iter().sum::<f64>();
            let dead = rewards.iter().all(|reward| (reward - rewards[0]).abs() < DEAD);
            self.dead[at] += usize::from(dead);
        }
        self.other_winners += usize::from(winner(&stored) != winner(new));
    }

    /// What they come to.
    pub fn summary(&self) -> Summary {
        let (groups, candidates) = (self.groups.max(1) as f64, self.candidates.max(1) as f64);
        Summary {
            groups: self.groups,
            mean: self.rewards.map(|total| total / candidates),
            dead: self.dead.map(|count| count as f64 / groups),
            other_winner: self.other_winners as f64 / groups,
        }
    }
}

/// The best candidate, the first of equals.
fn winner(rewards: &[f64]) -> Option<usize> {
    (0..rewards.len()).rev().max_by(|a, b| rewards[*a].total_cmp(&rewards[*b]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::fixture::group;

    #[test]
    fn a_summary_compares_with_what_is_stored() {
        let mut tally = Tally::default();
        tally.add(&group(1, 0), &[0.0; 4]);
        tally.add(&group(1, 1), &[1.0, 0.5, 0.0, 0.0]);
        let summary = tally.summary();
        assert_eq!((summary.groups, summary.dead, summary.other_winner), (2, [0.0, 0.5], 1.0));
        assert!((summary.mean[0] - 0.325).abs() < 1e-12 && (summary.mean[1] - 0.1875).abs() < 1e-12);
    }
}
