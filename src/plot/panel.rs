//! One panel of the page of curves.

use plotters::prelude::*;

use super::{
    Look, PlotError,
    curves::{Area, draw_error},
    font, marks,
};
use crate::{
    cockpit::{
        figures::Unit,
        state::{Range, RunView},
        theme::ChartColor,
    },
    run::{event::EvalDone, metrics},
};

/// What a panel shows beside its curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    None,
    /// A band of one standard deviation of the reward.
    Spread,
    /// Held-out accuracy with its interval.
    HeldOut,
}

/// What a panel shows.
pub struct Panel {
    /// Its title.
    pub title: &'static str,
    /// Its metric.
    pub metric: &'static str,
    /// How values are written.
    pub unit: Unit,
    /// The curve's colour.
    pub color: ChartColor,
    /// What comes with the curve.
    pub extra: Extra,
}

/// Weight of the past in the smoothed curve.
const SMOOTHING: f64 = 0.9;
/// Points from which on there is a smoothed curve.
const SMOOTHED: usize = 10;
/// Beyond this, plotters' arithmetic on the axes overflows.
const HUGE: f64 = 1e15;

type Points = Vec<(f64, f64)>;

/// What is drawn, with what does not fit on an axis left out.
struct Data {
    curve: Vec<Points>,
    smooth: Vec<Points>,
    band: Vec<Vec<(f64, f64, f64)>>,
    evals: Vec<EvalDone>,
}

impl Data {
    fn of(view: &RunView, panel: &Panel) -> Self {
        let points = view.series(panel.metric).map_or(&[][..], |series| series.points());
        let drawable = |value: f64| value.is_finite() && value.abs() < HUGE;
        // A step that diverged parts the curve.
        let parts = |points: &[(u64, f64)]| -> Vec<Points> {
            let parts = points.split(|(_, value)| !drawable(*value)).filter(|part| !part.is_empty());
            parts.map(|part| part.iter().map(|(step, value)| (*step as f64, *value)).collect()).collect()
        };
        let curve = parts(points);
        let series = view.series(panel.metric).filter(|_| points.len() >= SMOOTHED);
        let smooth = series.map_or_else(Vec::new, |series| parts(&series.smoothed(SMOOTHING)));
        let spread = view.series(metrics::REWARD_STD).filter(|_| panel.extra == Extra::Spread);
        let stds = spread.map_or(&[][..], |series| series.points());
        let std_of = |step: u64| stds.binary_search_by_key(&step, |point| point.0).ok().map(|at| stds[at].1);
        let rims: Vec<_> = points
            .iter()
            .map(|(step, mean)| {
                (*step as f64, mean - std_of(*step).unwrap_or(f64::NAN), mean + std_of(*step).unwrap_or(f64::NAN))
            })
            .collect();
        let band = rims.split(|(_, low, high)| !drawable(*low) || !drawable(*high));
        let band = band.filter(|part| part.len() > 1).map(<[_]>::to_vec).collect();
        let evals = if panel.extra == Extra::HeldOut { view.evals().to_vec() } else { Vec::new() };
        Self { curve, smooth, band, evals }
    }

    fn values(&self) -> Option<Range> {
        let curve = self.curve.iter().flatten().map(|point| point.1);
        let evals = self.evals.iter().flat_map(|eval| [eval.wilson[0], eval.wilson[1], eval.execution_accuracy]);
        Range::of(curve.chain(evals))
    }

    fn steps(&self) -> Option<Range> {
        Range::of(self.curve.iter().flatten().map(|p| p.0).chain(self.evals.iter().map(|eval| eval.step as f64)))
    }
}

/// A range with some air around it, and never empty.
pub(super) fn airy(range: Range, share: f64) -> std::ops::Range<f64> {
    let span = range.max - range.min;
    let air = if span > 0.0 { span * share } else { (range.max.abs() * 0.1).max(1e-6) };
    range.min - air..range.max + air
}

/// Draws a panel.
pub fn draw<B: DrawingBackend>(
    area: &Area<B>,
    view: &RunView,
    panel: &Panel,
    look: &Look,
    unit: f64,
) -> Result<(), PlotError> {
    let data = Data::of(view, panel);
    let (width, height) = area.dim_in_pixel();
    let size = |pixels: f64| (pixels * unit) as u32;
    if width < size(160.0) || height < size(120.0) {
        return Ok(());
    }
    let (steps, values) = (data.steps(), data.values());
    let x = airy(steps.unwrap_or(Range { min: 0.0, max: 1.0 }), 0.01);
    let y = airy(values.unwrap_or(Range { min: 0.0, max: 1.0 }), 0.06);
    let (bottom, top) = (y.start, y.end);
    // Plotters marks about five values, on round figures.
    let gap = (y.end - y.start) / 10.0;
    let mut chart = ChartBuilder::on(area)
        .margin(size(14.0))
        .caption(panel.title, (font::FAMILY, 25.0 * unit).into_font().color(&look.ink))
        .x_label_area_size(size(46.0))
        .y_label_area_size(size(112.0))
        .build_cartesian_2d(x, y)
        .map_err(draw_error)?;
    let label = (font::FAMILY, 19.0 * unit).into_font().color(&look.ink);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(look.paper)
        .bold_line_style(look.lines.stroke_width(size(2.0).max(1)))
        .axis_style(look.axes.stroke_width(size(2.0).max(1)))
        .label_style(label.clone())
        .x_labels(7)
        .y_labels(5)
        .x_desc("step")
        .x_label_formatter(&|step| if step.fract() == 0.0 { format!("{step:.0}") } else { String::new() })
        .y_label_formatter(&|value| panel.unit.mark(*value, gap))
        .draw()
        .map_err(draw_error)?;
    let ink = look.curve(panel.color);
    let stroke = ink.stroke_width(size(4.0).max(1));
    let measured = if data.smooth.is_empty() { stroke } else { ink.mix(0.35).stroke_width(size(2.0).max(1)) };
    for part in &data.band {
        // The mean's course is what the axis is for: a wide band leaves the picture.
        let upper = part.iter().map(|(step, _, high)| (*step, high.min(top)));
        let rim: Points = part.iter().map(|(step, low, _)| (*step, low.max(bottom))).chain(upper.rev()).collect();
        chart.draw_series([Polygon::new(rim, ink.mix(0.14))]).map_err(draw_error)?;
    }
    for (at, part) in data.curve.iter().enumerate() {
        let drawn = if part.len() == 1 {
            chart.draw_series(
                part.iter().map(|point| Circle::new(*point, size(6.0) as i32, ink.filled())).collect::<Vec<_>>(),
            )
        } else {
            chart.draw_series(LineSeries::new(part.clone(), measured))
        };
        let drawn = drawn.map_err(draw_error)?;
        if at == 0 && panel.extra == Extra::HeldOut {
            let reach = size(36.0) as i32;
            drawn.label("train").legend(move |(x, y)| PathElement::new(vec![(x, y), (x + reach, y)], stroke));
        }
    }
    for part in &data.smooth {
        chart.draw_series(LineSeries::new(part.clone(), stroke)).map_err(draw_error)?;
    }
    if !data.evals.is_empty() {
        draw_evals(&mut chart, &data.evals, look.curve(ChartColor::HeldOut), unit)?;
    }
    marks::draw(&mut chart, view, (bottom, top), look, unit)?;
    if panel.extra == Extra::HeldOut {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(look.paper.mix(0.85))
            .border_style(look.lines)
            .label_font(label)
            .legend_area_size(size(44.0))
            .margin(size(10.0))
            .draw()
            .map_err(draw_error)?;
    }
    Ok(())
}

pub(super) type Chart<'a, B> =
    ChartContext<'a, B, Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>>;

/// Held-out accuracy: joined points, each with its 95 % interval.
fn draw_evals<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    evals: &[EvalDone],
    ink: RGBColor,
    unit: f64,
) -> Result<(), PlotError> {
    let size = |pixels: f64| (pixels * unit).max(1.0) as u32;
    let points: Points = evals.iter().map(|eval| (eval.step as f64, eval.execution_accuracy)).collect();
    let radius = size(6.0) as i32;
    let reach = size(36.0) as i32;
    let stroke = ink.stroke_width(size(3.0));
    chart.draw_series(LineSeries::new(points.clone(), stroke)).map_err(draw_error)?;
    let whiskers = evals.iter().map(|eval| {
        let x = eval.step as f64;
        PathElement::new(vec![(x, eval.wilson[0]), (x, eval.wilson[1])], ink.mix(0.55).stroke_width(size(3.0)))
    });
    chart.draw_series(whiskers).map_err(draw_error)?;
    chart
        .draw_series(points.iter().map(|point| Circle::new(*point, radius, ink.filled())))
        .map_err(draw_error)?
        .label("held-out (Wilson 95 %)")
        .legend(move |(x, y)| Circle::new((x + reach / 2, y), radius, ink.filled()));
    Ok(())
}
