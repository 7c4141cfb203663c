//! Smallest and largest values.

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

    /// From the smallest to the largest; 0 where they are one.
    pub fn span(self) -> f64 {
        self.max - self.min
    }
}

/// Values that stand for all where there are more of them: few enough to be ordered for each frame.
const SAMPLE: usize = 2000;

/// The range of the middle 80 of 100 finite values, so that single spikes do not flatten a picture; of many values a sample stands for
/// all.
pub fn middle(values: impl ExactSizeIterator<Item = f64>) -> Option<Range> {
    let every = values.len() / SAMPLE + 1;
    let mut values: Vec<f64> = values.step_by(every).filter(|value| value.is_finite()).collect();
    let last = values.len().checked_sub(1)?;
    let (low, high) = (last / 10, last - last / 10);
    let min = *values.select_nth_unstable_by(low, f64::total_cmp).1;
    let max = *values.select_nth_unstable_by(high, f64::total_cmp).1;
    Some(Range { min, max })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_middle_leaves_single_spikes_out() {
        let mut values = vec![1.0; 30];
        (values[3], values[7], values[9]) = (-100.0, 100.0, 2.0);
        assert_eq!(middle(values.into_iter()), Some(Range { min: 1.0, max: 1.0 }));
        assert_eq!(middle([f64::NAN].into_iter()), None);
    }

    proptest! {
        #[test]
        fn the_middle_is_what_ordering_gives(values in prop::collection::vec(-1e6..1e6_f64, 1..300)) {
            let mut ordered = values.clone();
            ordered.sort_by(f64::total_cmp);
            let last = ordered.len() - 1;
            let wanted = Range { min: ordered[last / 10], max: ordered[last - last / 10] };
            prop_assert_eq!(middle(values.into_iter()), Some(wanted));
        }
    }
}
