//! Round figures for axes.

use super::Range;

/// Multiples of 1, 2 or 5 times a power of ten within the range, rising, at most so many.
pub fn round_ticks(range: Range, at_most: usize) -> Vec<f64> {
    let span = range.span();
    if at_most == 0 || !span.is_finite() || span <= 0.0 {
        return Vec::new();
    }
    // Beyond the precision of a float neighbouring marks are one.
    let smallest = range.min.abs().max(range.max.abs()) * 1e-12;
    let rough = (span / at_most as f64).max(smallest);
    let power = 10_f64.powf(rough.log10().floor());
    let gaps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|factor| factor * power);
    gaps.iter().map(|gap| multiples(range, *gap)).find(|ticks| ticks.len() <= at_most).unwrap_or_default()
}

fn multiples(range: Range, gap: f64) -> Vec<f64> {
    let (first, last) = ((range.min / gap - 1e-9).ceil(), (range.max / gap + 1e-9).floor());
    if !(first.is_finite() && last.is_finite()) || last - first > 1000.0 {
        return Vec::new();
    }
    let count = (last - first).max(-1.0) as i64;
    (0..=count).map(|n| (first + n as f64) * gap).map(|tick| tick.clamp(range.min, range.max)).collect()
}

/// Powers of ten within the range, or with 2 and 5 between them where there is room, rising, at most so many.
pub fn decades(range: Range, at_most: usize) -> Vec<f64> {
    if !(range.min > 0.0 && range.max.is_finite() && range.max > range.min) {
        return Vec::new();
    }
    let (low, high) = (range.min.log10().floor() as i32, range.max.log10().ceil() as i32);
    let of = |factors: &[f64], every: usize| -> Vec<f64> {
        let powers = (low..=high).step_by(every).flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)));
        powers.filter(|tick| *tick >= range.min && *tick <= range.max).collect()
    };
    let fine = [of(&[1.0, 2.0, 5.0], 1), of(&[1.0, 5.0], 1)];
    let coarse = (1..=((high - low).max(1) as usize)).map(|every| of(&[1.0], every));
    fine.into_iter().chain(coarse).find(|ticks| ticks.len() <= at_most).unwrap_or_default()
}

/// Usual lengths of time within a range in seconds, each several times the one before, rising, at most so many.
pub fn time_decades(range: Range, at_most: usize) -> Vec<f64> {
    let usual = [1.0, 10.0, 60.0, 600.0, 3600.0, 6.0 * 3600.0, 24.0 * 3600.0, 240.0 * 3600.0, 2400.0 * 3600.0];
    let within: Vec<f64> = usual.into_iter().filter(|tick| (range.min..=range.max).contains(tick)).collect();
    let every = within.len().div_ceil(at_most.max(1)).max(1);
    within.into_iter().step_by(every).take(at_most).collect()
}

/// Multiples of a usual length of time within a range in seconds, rising, at most so many.
pub fn time_ticks(range: Range, at_most: usize) -> Vec<f64> {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3600.0;
    const DAY: f64 = 86_400.0;
    let usual = [
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        MINUTE,
        2.0 * MINUTE,
        5.0 * MINUTE,
        10.0 * MINUTE,
        15.0 * MINUTE,
        30.0 * MINUTE,
        HOUR,
        2.0 * HOUR,
        3.0 * HOUR,
        6.0 * HOUR,
        12.0 * HOUR,
        DAY,
    ];
    let days = (0..12).flat_map(|power| [2.0, 5.0, 10.0].map(|days| days * DAY * 10_f64.powi(power)));
    let fits = |gap: &f64| range.span() / gap <= at_most as f64 + 1.0;
    let gaps = usual.into_iter().chain(days).filter(fits);
    gaps.map(|gap| multiples(range, gap)).find(|ticks| ticks.len() <= at_most).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        let close = |ticks: &[f64], wanted: &[f64]| {
            assert_eq!(ticks.len(), wanted.len(), "{ticks:?}");
            assert!(ticks.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{ticks:?}");
        };
        close(&round_ticks(Range { min: 0.03, max: 0.41 }, 5), &[0.1, 0.2, 0.3, 0.4]);
        close(&round_ticks(Range { min: 1.0, max: 42.0 }, 9), &[5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]);
        close(&round_ticks(Range { min: -1.0, max: 1.0 }, 3), &[-1.0, 0.0, 1.0]);
        close(&decades(Range { min: 0.005, max: 30.0 }, 4), &[0.01, 0.1, 1.0, 10.0]);
        close(&decades(Range { min: 0.5, max: 6.0 }, 4), &[0.5, 1.0, 2.0, 5.0]);
        close(&time_ticks(Range { min: 0.0, max: 7300.0 }, 5), &[0.0, 1800.0, 3600.0, 5400.0, 7200.0]);
        close(&time_decades(Range { min: 4.0, max: 8000.0 }, 9), &[10.0, 60.0, 600.0, 3600.0]);
        close(&time_decades(Range { min: 4.0, max: 8000.0 }, 2), &[10.0, 600.0]);
        assert!(round_ticks(Range { min: 2.0, max: 2.0 }, 4).is_empty());
    }

    proptest! {
        #[test]
        fn ticks_rise_within_the_range_and_are_few(a in -1e9..1e9_f64, b in -1e9..1e9_f64, most in 1usize..20) {
            let range = Range { min: a.min(b), max: a.max(b) };
            for ticks in [round_ticks(range, most), time_ticks(range, most)] {
                prop_assert!(ticks.len() <= most);
                prop_assert!(ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");
                prop_assert!(ticks.iter().all(|tick| *tick >= range.min && *tick <= range.max), "{ticks:?}");
            }
            // Room for five is enough for at least one.
            if range.span() > 1e-3 && most >= 5 {
                prop_assert!(!round_ticks(range, most).is_empty());
            }
        }

        #[test]
        fn decades_rise_within_the_range_and_are_few(a in -12.0..12.0_f64, b in -12.0..12.0_f64, most in 1usize..20) {
            let range = Range { min: 10_f64.powf(a.min(b)), max: 10_f64.powf(a.max(b)) };
            for ticks in [decades(range, most), time_decades(range, most)] {
                prop_assert!(ticks.len() <= most && ticks.is_sorted_by(|a, b| a < b));
                prop_assert!(ticks.iter().all(|tick| *tick >= range.min && *tick <= range.max));
            }
        }
    }
}
