//! Numbers as people read them, in few columns.

use super::state::Range;
pub use crate::run::pace::duration;

/// How a metric's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A plain number with three figures that matter.
    Plain,
    /// A share, written as per cent.
    Percent,
    /// Bytes, written in KiB, MiB or GiB.
    Bytes,
    /// Seconds, written with `s`.
    Seconds,
}

impl Unit {
    /// The value as text.
    pub fn show(self, value: f64) -> String {
        match self {
            _ if value.is_nan() => "NaN".into(),
            _ if value.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.into(),
            Unit::Plain => plain(value),
            Unit::Percent => format!("{:.1}%", value * 100.0),
            Unit::Bytes => bytes(value),
            Unit::Seconds => format!("{} s", plain(value)),
        }
    }

    /// Smallest and largest value, the unit said once where it is the same.
    pub fn show_range(self, range: Range, dash: &str) -> String {
        let (min, max) = (self.show(range.min), self.show(range.max));
        if min == max {
            return min;
        }
        match (self, min.split_once(' '), max.split_once(' ')) {
            (Unit::Bytes | Unit::Seconds, Some((number, unit)), Some((_, same))) if unit == same => {
                format!("{number} {dash} {max}")
            }
            _ => format!("{min} {dash} {max}"),
        }
    }

    /// A mark on an axis, with as many decimals as it takes to tell marks apart that lie `gap` from one another.
    pub fn mark(self, value: f64, gap: f64) -> String {
        let decimals = |gap: f64| (-gap.abs().log10().floor()).clamp(0.0, 9.0) as usize;
        let value = if value.abs() < gap.abs() * 1e-6 { 0.0 } else { value };
        if !value.is_finite() || !gap.is_finite() || gap == 0.0 {
            return self.show(value);
        }
        match self {
            Unit::Plain if value.abs() >= 1e5 || gap.abs() < 1e-6 => format!("{value:.1e}"),
            Unit::Plain => format!("{value:.*}", decimals(gap)),
            Unit::Percent => format!("{:.*}%", decimals(gap * 100.0), value * 100.0),
            Unit::Seconds => format!("{} s", Unit::Plain.mark(value, gap)),
            Unit::Bytes => {
                let (scale, unit) = binary(value);
                format!("{:.*} {unit}", decimals(gap / scale), value / scale)
            }
        }
    }
}

/// A number with three figures that matter: `0.0123`, `12.3`, `1.23k`, `1.2e-5`.
pub fn plain(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if size < 1e-3 {
        format!("{value:.1e}")
    } else if size < 0.1 {
        format!("{value:.4}")
    } else if size < 1.0 {
        format!("{value:.3}")
    } else if size < 10.0 {
        format!("{value:.2}")
    } else if size < 100.0 {
        format!("{value:.1}")
    } else if size < 1000.0 {
        format!("{value:.0}")
    } else {
        thousands(value)
    }
}

/// A number without zeros at its end: `1`, `0.3`, `0.125`.
pub fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.to_owned() }
}

fn thousands(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v < 1e6 => (value / 1e3, "k"),
        v if v < 1e9 => (value / 1e6, "M"),
        v if v < 1e12 => (value / 1e9, "G"),
        _ => return format!("{value:.1e}"),
    };
    if scaled.abs() < 10.0 { format!("{scaled:.2}{unit}") } else { format!("{scaled:.1}{unit}") }
}

/// A count in few columns: `999`, `1.2k`, `135M`.
pub fn count(value: u64) -> String {
    if value < 1000 { value.to_string() } else { thousands(value as f64) }
}

/// Bytes in a binary unit.
pub fn bytes(value: f64) -> String {
    let (scale, unit) = binary(value);
    let scaled = value / scale;
    if unit == "B" || scaled.abs() >= 100.0 { format!("{scaled:.0} {unit}") } else { format!("{scaled:.2} {unit}") }
}

/// The binary unit for so many bytes, with its size.
fn binary(value: f64) -> (f64, &'static str) {
    let units = [(1.0, "B"), (1024.0, "KiB"), (1_048_576.0, "MiB")];
    units.into_iter().find(|(size, _)| value.abs() < size * 1024.0).unwrap_or((1_073_741_824.0, "GiB"))
}

/// The time of day, `hh:mm:ss`.
pub fn clock(unix: f64) -> String {
    let s = if unix.is_finite() && unix > 0.0 { unix as u64 % 86_400 } else { 0 };
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_figures() {
        let cases = [
            (0.0, "0"),
            (0.0123, "0.0123"),
            (-0.5, "-0.500"),
            (1.5, "1.50"),
            (12.34, "12.3"),
            (612.3, "612"),
            (1234.0, "1.23k"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(value), text);
        }
        assert_eq!(plain(0.000_012), "1.2e-5");
        assert_eq!(count(134_515_008), "134.5M");
        assert_eq!(Unit::Percent.show(0.345), "34.5%");
        assert_eq!(Unit::Plain.show(f64::NAN), "NaN");
        assert_eq!(Unit::Bytes.show(1.5 * 1024.0 * 1024.0 * 1024.0), "1.50 GiB");
    }

    #[test]
    fn a_range_says_its_unit_once() {
        let range = |min, max| Range { min, max };
        let gib = 1024.0 * 1024.0 * 1024.0;
        assert_eq!(Unit::Bytes.show_range(range(gib, 1.5 * gib), "–"), "1.00 – 1.50 GiB");
        assert_eq!(Unit::Bytes.show_range(range(gib / 2.0, 1.5 * gib), "–"), "512 MiB – 1.50 GiB");
        assert_eq!(Unit::Plain.show_range(range(0.5, 0.5), "–"), "0.500");
        assert_eq!(Unit::Percent.show_range(range(0.1, 0.25), "–"), "10.0% – 25.0%");
    }

    #[test]
    fn marks_on_an_axis_can_be_told_apart() {
        assert_eq!(Unit::Plain.mark(0.15, 0.05), "0.15");
        assert_eq!(Unit::Plain.mark(1e-17, 0.1), "0.0");
        assert_eq!(Unit::Plain.mark(60.0, 20.0), "60");
        assert_eq!(Unit::Percent.mark(0.4, 0.2), "40%");
        assert_eq!(Unit::Bytes.mark(1_105_322_465.0, 2e6), "1.029 GiB");
        assert_eq!((short(1.0), short(0.3), short(-0.0)), ("1".into(), "0.3".into(), "0".into()));
    }

    #[test]
    fn durations_take_two_units() {
        assert_eq!(duration(42.4), "42s");
        assert_eq!(duration(187.0), "3m 07s");
        assert_eq!(duration(8040.0), "2h 14m");
        assert_eq!(duration(273_600.0), "3d 4h");
        assert_eq!(duration(f64::NAN), "?");
        assert_eq!(clock(1_700_000_000.0), "22:13:20");
    }
}
