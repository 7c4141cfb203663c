//! Whether a theme can be read: contrast as the Web Content Accessibility Guidelines 2.1 define it, and whether colours that
//! must be told apart still are for eyes without red or green cones.

use ratatui::style::Color;

use super::{
    color::{Paint, rgb},
    file::ThemeFile,
};

/// Something about a theme that makes it hard to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The two keys, as in `muted on background`.
    pub what: String,
    /// What was found.
    pub found: f64,
    /// The least that will do.
    pub least: f64,
    /// What was measured.
    pub measure: Measure,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Contrast ratio, 1 to 21.
    Contrast,
    /// Distance of two colours as colour-blind eyes see them, in units of CIE L*a*b*.
    Distance,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let measure = match self.measure {
            Measure::Contrast => "a contrast",
            Measure::Distance => "a distance for colour-blind eyes",
        };
        write!(f, "{}: {measure} of {:.1}, at least {:.1} is wanted", self.what, self.found, self.least)
    }
}

/// Distance in L*a*b* from which two lines are told apart without effort.
const APART: f64 = 18.0;

/// Everything that makes a theme hard to read. Colours that are the terminal's own cannot be judged.
pub fn check(theme: &ThemeFile) -> Vec<Finding> {
    let (c, h) = (&theme.colors, &theme.charts);
    let texts = [
        ("text", c.text),
        ("muted", c.muted),
        ("title", c.title),
        ("accent", c.accent),
        ("good", c.good),
        ("warn", c.warn),
        ("bad", c.bad),
        ("keyword", c.keyword),
        ("string", c.string),
        ("number", c.number),
        ("charts.reward", h.reward),
        ("charts.accuracy", h.accuracy),
        ("charts.held_out", h.held_out),
        ("charts.kl", h.kl),
        ("charts.loss", h.loss),
        ("charts.grad_norm", h.grad_norm),
        ("charts.speed", h.speed),
        ("charts.memory", h.memory),
        ("charts.entropy", h.entropy),
    ];
    let on_grounds = texts.iter().flat_map(|text| {
        [("background", c.background), ("panel", c.panel)]
            .map(|ground| (text.0, text.1, ground.0, ground.1, theme.contrast))
    });
    let others = [
        ("on_accent", c.on_accent, "accent", c.accent, theme.contrast),
        ("text", c.text, "selection", c.selection, theme.contrast),
        // Large areas and marked rows need less, says the guideline.
        ("muted", c.muted, "selection", c.selection, 3.0),
        ("bad", c.bad, "selection", c.selection, 3.0),
    ];
    let mut found: Vec<_> = on_grounds
        .chain(others)
        .filter_map(|(ink, a, ground, b, least)| {
            let found = contrast(a, b)?;
            (found < least).then(|| Finding {
                what: format!("{ink} on {ground}"),
                found,
                least,
                measure: Measure::Contrast,
            })
        })
        .collect();
    found.dedup_by(|a, b| a.what == b.what);
    if theme.colour_blind_safe {
        let pairs = [
            ("good", c.good, "bad", c.bad),
            ("warn", c.warn, "bad", c.bad),
            ("charts.accuracy", h.accuracy, "charts.held_out", h.held_out),
            ("keyword", c.keyword, "string", c.string),
        ];
        found.extend(pairs.into_iter().filter_map(|(one, a, other, b)| {
            let found = [PROTANOPIA, DEUTERANOPIA].iter().filter_map(|eyes| distance(a, b, eyes)).reduce(f64::min)?;
            let what = format!("{one} beside {other}");
            (found < APART).then_some(Finding { what, found, least: APART, measure: Measure::Distance })
        }));
    }
    found
}

/// Contrast ratio of two colours, if both are known.
pub(super) fn contrast(ink: Paint, ground: Paint) -> Option<f64> {
    let light = |paint: Paint| linear(paint).map(|[r, g, b]| 0.2126 * r + 0.7152 * g + 0.0722 * b);
    let (ink, ground) = (light(ink)?, light(ground)?);
    Some((ink.max(ground) + 0.05) / (ink.min(ground) + 0.05))
}

/// Linear light of a colour's channels, if it is known: what an index or a name looks like is the terminal's business.
fn linear(paint: Paint) -> Option<[f64; 3]> {
    let Color::Rgb(..) = paint.0 else { return None };
    let (r, g, b) = rgb(paint.0)?;
    Some([r, g, b].map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    }))
}

type Matrix = [[f64; 3]; 3];

/// What eyes without long-wave cones see, in linear sRGB (Machado, Oliveira and Fernandes 2009, severity 1).
const PROTANOPIA: Matrix =
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
/// The same of eyes without middle-wave cones.
const DEUTERANOPIA: Matrix =
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];

/// Distance (CIE 1976) of two colours as such eyes see them.
fn distance(a: Paint, b: Paint, eyes: &Matrix) -> Option<f64> {
    let seen = |paint: Paint| {
        let light = linear(paint)?;
        let mix = |row: &[f64; 3]| row.iter().zip(light).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0);
        Some(lab([mix(&eyes[0]), mix(&eyes[1]), mix(&eyes[2])]))
    };
    let (a, b) = (seen(a)?, seen(b)?);
    Some(a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt())
}

/// Linear sRGB in CIE L*a*b* under D65.
fn lab(light: [f64; 3]) -> [f64; 3] {
    const XYZ: Matrix =
        [[0.412_456, 0.357_576, 0.180_437], [0.212_673, 0.715_152, 0.072_175], [0.019_334, 0.119_192, 0.950_304]];
    const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];
    let bent = |share: f64| if share > 0.008_856 { share.cbrt() } else { 7.787 * share + 16.0 / 116.0 };
    let axis = |at: usize| bent(XYZ[at].iter().zip(light).map(|(m, c)| m * c).sum::<f64>() / WHITE[at]);
    [116.0 * axis(1) - 16.0, 500.0 * (axis(0) - axis(1)), 200.0 * (axis(1) - axis(2))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paint(r: u8, g: u8, b: u8) -> Paint {
        Paint(Color::Rgb(r, g, b))
    }

    #[test]
    fn contrast_is_the_guidelines() {
        let white = paint(255, 255, 255);
        assert!((contrast(paint(0, 0, 0), white).unwrap() - 21.0).abs() < 1e-9);
        // A published example: #777777 on white just misses 4.5.
        assert!((contrast(paint(0x77, 0x77, 0x77), white).unwrap() - 4.48).abs() < 0.01);
        assert_eq!(contrast(Paint(Color::Red), white), None);
    }

    #[test]
    fn red_and_green_of_one_lightness_are_one_colour_to_some_eyes() {
        let all = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let (red, green) = (paint(200, 60, 40), paint(110, 120, 30));
        assert!(distance(red, green, &all).unwrap() > 60.0);
        assert!(distance(red, green, &DEUTERANOPIA).unwrap() < APART);
    }

    #[test]
    fn what_is_hard_to_read_is_named() {
        let text = include_str!("../../../themes/night.yaml").replace("\"#8690a6\"", "\"#303540\"");
        let found = check(&ThemeFile::parse(&text, "night").unwrap());
        assert!(found.iter().any(|finding| finding.what == "muted on background"), "{found:?}");
        assert!(found[0].to_string().contains("at least 4.5 is wanted"));
    }
}
