//! How rewards and lengths of a step's candidates are distributed.

use std::sync::Arc;

use crate::{
    cockpit::{state::Samples, theme::ChartColor},
    curve::{Histogram, Range},
    run::{
        event::{Candidate, GroupScored},
        metrics,
    },
};

/// What of a candidate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Its total reward.
    Reward,
    /// Its completion tokens.
    Length,
}

impl Measure {
    /// The metric that it is the mean of.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Reward => metrics::REWARD,
            Self::Length => metrics::MEAN_LENGTH,
        }
    }

    /// The colour of that metric.
    pub fn color(self) -> ChartColor {
        match self {
            Self::Reward => ChartColor::Reward,
            Self::Length => ChartColor::Speed,
        }
    }

    fn of(self, candidate: &Candidate) -> f64 {
        match self {
            Self::Reward => candidate.reward,
            Self::Length => candidate.tokens as f64,
        }
    }

    fn all<'a>(self, groups: impl Iterator<Item = &'a GroupScored>) -> Vec<f64> {
        groups.flat_map(|group| &group.candidates).map(|candidate| self.of(candidate)).collect()
    }
}

/// The candidates of some groups in so many bins; `None` where there are none.
pub fn histogram(groups: &[Arc<GroupScored>], measure: Measure, bins: usize) -> Option<Histogram> {
    Histogram::of(&measure.all(groups.iter().map(Arc::as_ref)), bins)
}

/// Histograms of steps side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// First and last step.
    pub steps: (u64, u64),
    /// Range of the values, from the bottom to the top.
    pub range: Range,
    /// For each column, from the left: how full each bin is, from the bottom, from 0 to 1. Columns without candidates are empty.
    pub columns: Vec<Vec<f64>>,
}

/// The candidates of the steps that are kept, each column the share of its candidates in each bin.
pub fn heat(samples: &Samples, measure: Measure, columns: usize, bins: usize) -> Option<Heat> {
    let newest = samples.len().checked_sub(1)?;
    let steps = (samples.get(0)?.step, samples.get(newest)?.step);
    let range = Range::of(measure.all(samples.iter()))?;
    let span = steps.1.saturating_sub(steps.0) + 1;
    let width = columns.min(span as usize).max(1);
    let mut values = vec![Vec::new(); width];
    for group in samples.iter() {
        let at = (group.step.saturating_sub(steps.0) * width as u64 / span) as usize;
        values[at.min(width - 1)].extend(group.candidates.iter().map(|candidate| measure.of(candidate)));
    }
    let shares = |values: &Vec<f64>| {
        let counted = Histogram::within(values, range, bins).filter(|_| !values.is_empty());
        counted.map_or_else(Vec::new, |histogram| {
            let all = values.len() as f64;
            histogram.counts.iter().map(|count| *count as f64 / all).collect()
        })
    };
    Some(Heat { steps, range, columns: values.iter().map(shares).collect() })
}
