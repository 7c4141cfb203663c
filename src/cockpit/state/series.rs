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

    /// The curve behind the noise: an exponential moving average with this weight on the past, without the pull towards 0
    /// at its start (as Adam's moments and the W&B charts have it). A value that is not finite leaves a gap.
    pub fn smoothed(&self, weight: f64) -> Vec<(u64, f64)> {
        let (mut mean, mut share) = (0.0, 1.0);
        let smooth = |&(step, value): &(u64, f64)| {
            if !value.is_finite() {
                return (step, f64::NAN);
            }
            mean = weight * mean + (1.0 - weight) * value;
            share *= weight;
            (step, mean / (1.0 - share))
        };
        self.points.iter().map(smooth).collect()
    }

    /// The range of the middle 80 of 100 finite values; of long series a sample stands for all.
    pub fn middle(&self) -> Option<Range> {
        let every = self.points.len() / 2000 + 1;
        let mut values: Vec<f64> =
            self.points.iter().step_by(every).map(|point| point.1).filter(|value| value.is_finite()).collect();
        let last = values.len().checked_sub(1)?;
        values.sort_unstable_by(f64::total_cmp);
        Some(Range { min: values[last / 10], max: values[last - last / 10] })
    }

    /// Mean of the newest `n` finite values.
    pub fn recent_mean(&self, n: usize) -> Option<f64> {
        let recent: Vec<f64> = self.points.iter().rev().map(|p| p.1).filter(|v| v.is_finite()).take(n).collect();
        (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(values: &[f64]) -> Series {
        let mut series = Series::default();
        for (step, value) in (1..).zip(values) {
            series.push(step, *value);
        }
        series
    }

    #[test]
    fn smoothing_starts_at_the_first_value_and_follows_slowly() {
        let smooth = series(&[4.0, 4.0, f64::NAN, 8.0]).smoothed(0.5);
        assert_eq!(smooth[..2], [(1, 4.0), (2, 4.0)]);
        assert!(smooth[2].1.is_nan());
        // Weights 1/8, 1/4 and 1/2, over their sum.
        assert!((smooth[3].1 - (4.0 / 8.0 + 4.0 / 4.0 + 8.0 / 2.0) / (7.0 / 8.0)).abs() < 1e-12);
        assert_eq!(series(&[1.0, 5.0]).smoothed(0.0), [(1, 1.0), (2, 5.0)]);
    }

    #[test]
    fn the_middle_leaves_single_spikes_out() {
        let mut values = vec![1.0; 30];
        (values[3], values[7], values[9]) = (-100.0, 100.0, 2.0);
        assert_eq!(series(&values).middle(), Some(Range { min: 1.0, max: 1.0 }));
        assert_eq!(series(&[f64::NAN]).middle(), None);
    }

    proptest! {
        #[test]
        fn a_smoothed_curve_stays_within_the_values(values in prop::collection::vec(-1e6..1e6_f64, 1..80), weight in 0.0..0.99_f64) {
            let series = series(&values);
            let (range, middle) = (series.range().unwrap(), series.middle().unwrap());
            prop_assert!(middle.min >= range.min && middle.max <= range.max);
            for (_, value) in series.smoothed(weight) {
                prop_assert!(value >= range.min - 1e-6 && value <= range.max + 1e-6);
            }
        }
    }
}
