//! One metric over the steps of a run.

/// Smallest and largest value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Smallest finite value.
    pub min: f64,
    /// Largest finite value.
    pub max: f64,
}

impl Range {
    /// The range of some values, non-finite ones left out; `None` if nothing is left.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        values.into_iter().filter(|v| v.is_finite()).fold(None, |range, value| {
            Some(match range {
                None => Self { min: value, max: value },
                Some(Self { min, max }) => Self { min: min.min(value), max: max.max(value) },
            })
        })
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

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

    /// Mean of the newest `n` finite values.
    pub fn recent_mean(&self, n: usize) -> Option<f64> {
        let recent: Vec<f64> = self.points.iter().rev().map(|p| p.1).filter(|v| v.is_finite()).take(n).collect();
        (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64)
    }
}
