//! The curve behind the noise.

use std::collections::VecDeque;

/// A share too small to change a float next to 1.
const NOTHING: f64 = 1e-17;

/// An exponential moving average without the pull towards 0 at its start, as Adam's moments and the charts of W&B have it.
#[derive(Debug, Clone, Copy)]
pub struct Ema {
    weight: f64,
    mean: f64,
    /// What the start value of 0 still weighs.
    share: f64,
}

impl Ema {
    /// An average with this weight on the past, from 0 (none) to below 1.
    pub fn new(weight: f64) -> Self {
        Self { weight, mean: 0.0, share: 1.0 }
    }

    /// The average once this value has come. A value that is not finite leaves a gap and is forgotten.
    pub fn next(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return f64::NAN;
        }
        self.mean = self.weight * self.mean + (1.0 - self.weight) * value;
        self.share *= self.weight;
        if self.share < NOTHING {
            // Most points of a long curve need no division then.
            self.share = 0.0;
            return self.mean;
        }
        self.mean / (1.0 - self.share)
    }
}

/// Smallest and largest of the newest so many values, as they come: each value is looked at a fixed number of times on average.
#[derive(Debug, Clone)]
pub struct Extremes {
    width: usize,
    seen: usize,
    /// Places and values that may yet be the smallest, rising; and the largest, falling.
    low: VecDeque<(usize, f64)>,
    high: VecDeque<(usize, f64)>,
}

impl Extremes {
    /// Of the newest `width` values, at least one.
    pub fn new(width: usize) -> Self {
        Self { width: width.max(1), seen: 0, low: VecDeque::new(), high: VecDeque::new() }
    }

    /// Smallest and largest once this value has come; `None` while none of them is finite.
    pub fn next(&mut self, value: f64) -> Option<(f64, f64)> {
        let at = self.seen;
        self.seen += 1;
        if value.is_finite() {
            while self.low.back().is_some_and(|(_, old)| *old >= value) {
                self.low.pop_back();
            }
            while self.high.back().is_some_and(|(_, old)| *old <= value) {
                self.high.pop_back();
            }
            self.low.push_back((at, value));
            self.high.push_back((at, value));
        }
        for queue in [&mut self.low, &mut self.high] {
            while queue.front().is_some_and(|(place, _)| place + self.width <= at) {
                queue.pop_front();
            }
        }
        Some((self.low.front()?.1, self.high.front()?.1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::curve::Range;

    fn smoothed(values: &[f64], weight: f64) -> Vec<f64> {
        let mut ema = Ema::new(weight);
        values.iter().map(|value| ema.next(*value)).collect()
    }

    #[test]
    fn smoothing_starts_at_the_first_value_and_follows_slowly() {
        let smooth = smoothed(&[4.0, 4.0, f64::NAN, 8.0], 0.5);
        assert_eq!(smooth[..2], [4.0, 4.0]);
        assert!(smooth[2].is_nan());
        // Weights 1/8, 1/4 and 1/2, over their sum.
        assert!((smooth[3] - (4.0 / 8.0 + 4.0 / 4.0 + 8.0 / 2.0) / (7.0 / 8.0)).abs() < 1e-12);
        assert_eq!(smoothed(&[1.0, 5.0], 0.0), [1.0, 5.0]);
    }

    proptest! {
        #[test]
        fn a_smoothed_curve_stays_within_the_values(values in prop::collection::vec(-1e6..1e6_f64, 1..80), weight in 0.0..0.99_f64) {
            let range = Range::of(values.iter().copied()).unwrap();
            for value in smoothed(&values, weight) {
                prop_assert!(value >= range.min - 1e-6 && value <= range.max + 1e-6);
            }
        }

        #[test]
        fn a_constant_is_smoothed_into_itself(value in -1e6..1e6_f64, weight in 0.0..0.99_f64, count in 1usize..60) {
            for smooth in smoothed(&vec![value; count], weight) {
                prop_assert!((smooth - value).abs() <= value.abs() * 1e-9);
            }
        }

        #[test]
        fn extremes_are_those_of_the_newest_values(
            values in prop::collection::vec(prop_oneof![9 => -1e3..1e3_f64, 1 => Just(f64::NAN)], 1..60),
            width in 1usize..12,
        ) {
            let mut extremes = Extremes::new(width);
            for (at, value) in values.iter().enumerate() {
                let newest = Range::of(values[(at + 1).saturating_sub(width)..=at].iter().copied());
                prop_assert_eq!(extremes.next(*value), newest.map(|range| (range.min, range.max)));
            }
        }
    }
}
