//! From values to places, evenly or by powers of ten.

use super::Range;

/// A range of values, laid out from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The values at 0 and at 1.
    pub range: Range,
    /// Whether equal factors, not equal differences, are equally far.
    pub log: bool,
}

impl Scale {
    /// An even scale.
    pub fn linear(range: Range) -> Self {
        Self { range, log: false }
    }

    /// A logarithmic scale; `None` unless the whole range is above 0.
    pub fn log(range: Range) -> Option<Self> {
        (range.min > 0.0).then_some(Self { range, log: true })
    }

    /// Whether a value has a place on it at all.
    pub fn shows(&self, value: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0)
    }

    /// Where a value lies: 0 at the lower end, 1 at the upper one, and no further. The middle where the range has one value only.
    pub fn share(&self, value: f64) -> f64 {
        let place = |value: f64| if self.log { value.log10() } else { value };
        let (low, high, at) = (place(self.range.min), place(self.range.max), place(value));
        let span = high - low;
        if span > 0.0 && span.is_finite() && !at.is_nan() { ((at - low) / span).clamp(0.0, 1.0) } else { 0.5 }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the ends are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_log_scale_has_no_place_for_zero() {
        assert_eq!(Scale::log(Range { min: 0.0, max: 1.0 }), None);
        let scale = Scale::log(Range { min: 0.01, max: 100.0 }).unwrap();
        assert!((scale.share(1.0) - 0.5).abs() < 1e-12);
        assert!(!scale.shows(0.0) && !scale.shows(-1.0) && scale.shows(5.0));
        assert_eq!(scale.share(0.0), 0.0);
    }

    proptest! {
        #[test]
        fn places_rise_with_values(a in 1e-6..1e6_f64, b in 1e-6..1e6_f64, c in 1e-6..1e6_f64, d in 1e-6..1e6_f64, log in any::<bool>()) {
            let range = Range { min: a.min(b), max: a.max(b) };
            let scale = if log { Scale::log(range).unwrap() } else { Scale::linear(range) };
            let (low, high) = (scale.share(c.min(d)), scale.share(c.max(d)));
            prop_assert!(low <= high && (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
            if range.max > range.min {
                prop_assert_eq!((scale.share(range.min), scale.share(range.max)), (0.0, 1.0));
            }
        }
    }
}
