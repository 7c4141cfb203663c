//! How the places of an x-axis are laid out: evenly, or by powers of ten.

/// From what an axis counts to places on it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spacing {
    /// What lies at the left end of a logarithmic axis; `None` lays places out evenly.
    first: Option<f64>,
}

impl Spacing {
    /// Equal factors are equally far. There is no logarithm of 0, so all that lies before `first` has its place; even if `first` is
    /// not above 0 itself.
    pub fn log(first: f64) -> Self {
        Self { first: (first > 0.0 && first.is_finite()).then_some(first) }
    }

    /// Whether equal factors, not equal differences, are equally far.
    pub fn is_log(self) -> bool {
        self.first.is_some()
    }

    /// The place of a count.
    pub fn place(self, count: f64) -> f64 {
        self.first.map_or(count, |first| (count.max(first) / first).log10())
    }

    /// The count at a place.
    pub fn count(self, place: f64) -> f64 {
        self.first.map_or(place, |first| first * 10_f64.powf(place))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the ends are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_comes_before_the_first_step_lies_where_it_does() {
        let steps = Spacing::log(1.0);
        assert_eq!([0.0, 1.0, 10.0, 100.0].map(|step| steps.place(step)), [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(Spacing::log(500.0).place(50_000.0), 2.0);
        assert!(!Spacing::log(0.0).is_log() && !Spacing::log(f64::NAN).is_log() && !Spacing::log(-3.0).is_log());
        assert_eq!(Spacing::log(0.0).place(7.0), 7.0);
    }

    proptest! {
        #[test]
        fn places_lead_back_to_counts_and_rise_with_them(first in 1e-3..1e9_f64, a in 1.0..1e9_f64, b in 1.0..1e9_f64, log in any::<bool>()) {
            let spacing = if log { Spacing::log(first) } else { Spacing::default() };
            let (low, high) = (first * a.min(b), first * a.max(b));
            prop_assert!(spacing.place(low) <= spacing.place(high) && spacing.place(low) >= 0.0);
            for count in [low, high] {
                let back = spacing.count(spacing.place(count));
                prop_assert!((back - count).abs() <= 1e-9 * count, "{count} became {back}");
            }
            // Equal factors are equally far.
            if log {
                let far = spacing.place(high * 10.0) - spacing.place(high);
                prop_assert!((far - 1.0).abs() < 1e-9, "{far}");
            }
        }
    }
}
