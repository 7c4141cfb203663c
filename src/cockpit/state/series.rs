//! One metric over the steps of a run.

use crate::curve::{Ema, Range, middle};

/// Values of one metric, with the steps that they belong to, steps rising.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    points: Vec<(u64, f64)>,
    /// Of all points; kept, since every frame asks for it.
    range: Option<Range>,
}

impl Series {
    /// Adds the value of a step. A step that is already there, or that lies behind the last one, replaces what follows it:
    /// a trainer only ever goes back when it computes those steps anew.
    pub fn push(&mut self, step: u64, value: f64) {
        if self.points.last().is_some_and(|(last, _)| *last >= step) {
            let keep = self.points.partition_point(|(s, _)| *s < step);
            self.cut(keep);
        }
        self.points.push((step, value));
        self.range = Range::of([value].into_iter().chain(self.range.into_iter().flat_map(|r| [r.min, r.max])));
    }

    /// Forgets the values of later steps.
    pub fn truncate_after(&mut self, step: u64) {
        let keep = self.points.partition_point(|(s, _)| *s <= step);
        self.cut(keep);
    }

    fn cut(&mut self, keep: usize) {
        if keep < self.points.len() {
            self.points.truncate(keep);
            self.range = Range::of(self.points.iter().map(|(_, value)| *value));
        }
    }

    /// All points, steps rising. Values may be NaN where a step diverged.
    pub fn points(&self) -> &[(u64, f64)] {
        &self.points
    }

    /// The newest value.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|(_, value)| *value)
    }

    /// The range of the finite values.
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    /// The curve behind the noise: an exponential moving average with this weight on the past, without the pull towards 0
    /// at its start (as Adam's moments and the W&B charts have it). A value that is not finite leaves a gap.
    pub fn smoothed(&self, weight: f64) -> Vec<(u64, f64)> {
        let mut ema = Ema::new(weight);
        self.points.iter().map(|(step, value)| (*step, ema.next(*value))).collect()
    }

    /// The range of the middle 80 of 100 finite values; of long series a sample stands for all.
    pub fn middle(&self) -> Option<Range> {
        middle(self.points.iter().map(|point| point.1))
    }

    /// Where the points of these steps lie among all points.
    pub fn between(&self, first: u64, last: u64) -> std::ops::Range<usize> {
        let start = self.points.partition_point(|(step, _)| *step < first);
        start..self.points.partition_point(|(step, _)| *step <= last).max(start)
    }

    /// The value of a step, if it has one.
    pub fn at(&self, step: u64) -> Option<f64> {
        self.points.binary_search_by_key(&step, |point| point.0).ok().map(|at| self.points[at].1)
    }

    /// Mean of the newest `n` finite values.
    pub fn recent_mean(&self, n: usize) -> Option<f64> {
        let recent: Vec<f64> = self.points.iter().rev().map(|p| p.1).filter(|v| v.is_finite()).take(n).collect();
        (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64)
    }
}
