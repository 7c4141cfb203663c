//! How often values fall where.

use super::Range;

/// Counts of values in bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// From the lower end of the first bin to the upper end of the last.
    pub range: Range,
    /// Values in each bin; an upper end belongs to the bin above it, but for the last.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// The finite ones of some values in so many bins; `None` if there are no such values or bins.
    pub fn of(values: &[f64], bins: usize) -> Option<Self> {
        Self::within(values, Range::of(values.iter().copied())?, bins)
    }

    /// The same over a given range; values beyond it count to the bins at its ends.
    pub fn within(values: &[f64], range: Range, bins: usize) -> Option<Self> {
        if bins == 0 {
            return None;
        }
        // Values that are all one fall into the middle of bins around them.
        let range = if range.span() > 0.0 {
            range
        } else {
            let air = (range.min.abs() * 0.5).max(0.5);
            Range { min: range.min - air, max: range.max + air }
        };
        let mut counts = vec![0; bins];
        for value in values.iter().filter(|value| value.is_finite()) {
            let share = ((value - range.min) / range.span()).clamp(0.0, 1.0);
            counts[((share * bins as f64) as usize).min(bins - 1)] += 1;
        }
        Some(Self { range, counts })
    }

    /// The fullest bin's count.
    pub fn most(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_values_fill_the_middle() {
        assert_eq!(Histogram::of(&[2.0, 2.0, f64::NAN], 4).unwrap().counts, [0, 0, 2, 0]);
        assert_eq!(Histogram::of(&[0.0, 0.5, 1.0, 1.0], 2).unwrap().counts, [1, 3]);
        assert_eq!(Histogram::of(&[f64::NAN], 2), None);
        assert_eq!(Histogram::of(&[1.0], 0), None);
    }

    proptest! {
        #[test]
        fn every_finite_value_counts_once(values in prop::collection::vec(any::<f64>(), 0..80), bins in 1usize..20) {
            let finite = values.iter().filter(|value| value.is_finite()).count();
            let counted = Histogram::of(&values, bins).map_or(0, |histogram| histogram.counts.iter().sum());
            prop_assert_eq!(counted, finite);
        }
    }
}
