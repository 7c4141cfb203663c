//! Several runs in one picture: reward and held-out accuracy side by side, a line for each run, and a legend below.

use plotters::prelude::*;

use super::{
    Look, PlotError,
    curves::{Area, SCALE, draw_error, write},
    font,
    panel::airy,
    picture::Picture,
};
use crate::cockpit::{figures::Unit, state::Range};

/// A run's name and what is drawn of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Reward by step.
    pub reward: Vec<(u64, f64)>,
    /// Held-out accuracy by step.
    pub accuracy: Vec<(u64, f64)>,
}

/// Colours that colour-blind eyes tell apart too (after Okabe and Ito), dark enough for lines on white.
const COLORS: [RGBColor; 8] = [
    RGBColor(0, 94, 148),
    RGBColor(196, 78, 0),
    RGBColor(0, 128, 96),
    RGBColor(160, 60, 120),
    RGBColor(190, 135, 0),
    RGBColor(64, 150, 200),
    RGBColor(40, 40, 40),
    RGBColor(120, 90, 200),
];
const WIDTH: u32 = 1600;
/// Height of the charts, and of a line of the legend.
const CHARTS: u32 = 700;
const LINE: u32 = 30;

/// The picture as PNG.
///
/// # Errors
/// [`PlotError::Empty`] if no run has a value; drawing fails.
pub fn render(curves: &[Curve]) -> Result<Vec<u8>, PlotError> {
    let (width, height) = size(curves)?;
    let mut picture = Picture::new(width * SCALE, height * SCALE, (255, 255, 255));
    {
        let size = (picture.width, picture.height);
        let root = BitMapBackend::with_buffer(&mut picture.bytes, size).into_drawing_area();
        page(&root, curves, SCALE)?;
        root.present().map_err(draw_error)?;
    }
    picture.halved().png()
}

/// The same as SVG.
///
/// # Errors
/// As [`render`].
pub fn render_svg(curves: &[Curve]) -> Result<String, PlotError> {
    let size = size(curves)?;
    let mut picture = String::new();
    {
        let root = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        root.fill(&WHITE).map_err(draw_error)?;
        page(&root, curves, 1)?;
        root.present().map_err(draw_error)?;
    }
    Ok(picture)
}

fn size(curves: &[Curve]) -> Result<(u32, u32), PlotError> {
    if curves.iter().all(|curve| curve.reward.is_empty() && curve.accuracy.is_empty()) {
        return Err(PlotError::Empty);
    }
    font::register()?;
    Ok((WIDTH, CHARTS + LINE * (curves.len() as u32 + 1)))
}

fn page<B: DrawingBackend>(root: &Area<B>, curves: &[Curve], unit: u32) -> Result<(), PlotError> {
    let (charts, legend) = root.split_vertically(CHARTS * unit);
    let halves = charts.split_evenly((1, 2));
    let reward = |curve: &Curve| curve.reward.clone();
    let accuracy = |curve: &Curve| curve.accuracy.clone();
    chart(&halves[0], ("reward (smoothed)", Unit::Plain), curves, reward, unit)?;
    chart(&halves[1], ("held-out execution accuracy", Unit::Percent), curves, accuracy, unit)?;
    for (at, curve) in curves.iter().enumerate() {
        let y = ((at as u32 * LINE + LINE / 2) * unit) as i32;
        let (left, right) = ((40 * unit) as i32, (100 * unit) as i32);
        legend
            .draw(&PathElement::new(vec![(left, y), (right, y)], stroke(at, curves.len(), unit)))
            .map_err(draw_error)?;
        write(&legend, &curve.name, (right + (16 * unit) as i32, y), f64::from(20 * unit), Look::PRINT.ink)?;
    }
    Ok(())
}

/// The first line is the broadest, so that of equal ones each shows below the next.
fn width(at: usize, count: usize) -> u32 {
    3 + (8 * (count - at - 1) / count) as u32
}

fn stroke(at: usize, count: usize, unit: u32) -> ShapeStyle {
    COLORS[at % COLORS.len()].stroke_width(width(at, count) * unit)
}

fn chart<B: DrawingBackend>(
    area: &Area<B>,
    (title, shown): (&str, Unit),
    curves: &[Curve],
    points: impl Fn(&Curve) -> Vec<(u64, f64)>,
    unit: u32,
) -> Result<(), PlotError> {
    let lines: Vec<Vec<(f64, f64)>> = curves
        .iter()
        .map(|curve| points(curve).into_iter().filter(|p| p.1.is_finite()).map(|(step, y)| (step as f64, y)).collect())
        .collect();
    let nothing = Range { min: 0.0, max: 1.0 };
    let steps = Range::of(lines.iter().flatten().map(|point| point.0)).unwrap_or(nothing);
    let values = Range::of(lines.iter().flatten().map(|point| point.1)).unwrap_or(nothing);
    let (x, y) = (airy(steps, 0.02), airy(values, 0.06));
    let gap = (y.end - y.start) / 10.0;
    let mut chart = ChartBuilder::on(area)
        .margin(16 * unit)
        .caption(title, (font::FAMILY, 26 * unit).into_font().color(&Look::PRINT.ink))
        .x_label_area_size(50 * unit)
        .y_label_area_size(100 * unit)
        .build_cartesian_2d(x, y)
        .map_err(draw_error)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(Look::PRINT.lines.stroke_width(2 * unit))
        .label_style((font::FAMILY, 20 * unit).into_font().color(&Look::PRINT.ink))
        .x_desc("step")
        .x_labels(7)
        .y_labels(6)
        .x_label_formatter(&|step| if step.fract() == 0.0 { format!("{step:.0}") } else { String::new() })
        .y_label_formatter(&|value| shown.mark(*value, gap))
        .draw()
        .map_err(draw_error)?;
    for (at, line) in lines.iter().enumerate() {
        let (size, count) = ((width(at, curves.len()) + 2) * unit, curves.len());
        let dots = line.iter().map(|point| Circle::new(*point, size as i32, COLORS[at % COLORS.len()].filled()));
        if line.len() < 30 {
            chart.draw_series(dots).map_err(draw_error)?;
        }
        chart.draw_series(LineSeries::new(line.clone(), stroke(at, count, unit))).map_err(draw_error)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::picture::decode;

    fn curves(count: usize) -> Vec<Curve> {
        let curve = |n: usize| Curve {
            name: format!("cell <{n}>"),
            reward: (1..=40).map(|step| (step, step as f64 * (n + 1) as f64 / 100.0)).collect(),
            accuracy: (0..=4).map(|at| (at * 10, (at as f64 + n as f64) / 20.0)).collect(),
        };
        (0..count).map(curve).collect()
    }

    #[test]
    fn every_run_has_a_line_of_its_colour_in_both_charts_and_in_the_legend() {
        let picture = decode(&render(&curves(3)).unwrap());
        let has = |color: RGBColor, x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
            let at = |x: u32, y: u32| &picture.bytes[((y * picture.width + x) * 3) as usize..][..3];
            y.flat_map(|y| x.clone().map(move |x| (x, y))).any(|(x, y)| at(x, y) == [color.0, color.1, color.2])
        };
        for color in &COLORS[..3] {
            assert!(has(*color, 0..800, 0..CHARTS), "reward");
            assert!(has(*color, 800..1600, 0..CHARTS), "accuracy");
            assert!(has(*color, 0..200, CHARTS..picture.height), "legend");
        }
        assert!(!has(COLORS[3], 0..1600, 0..picture.height));
    }

    #[test]
    fn the_svg_has_all_names_and_nothing_is_no_picture() {
        let svg = render_svg(&curves(11)).unwrap();
        assert!((0..11).all(|n| svg.contains(&format!("cell &lt;{n}&gt;"))) && svg.contains("held-out"));
        let empty = Curve { name: "x".into(), reward: Vec::new(), accuracy: Vec::new() };
        assert!(matches!(render(&[empty]), Err(PlotError::Empty)));
    }
}
