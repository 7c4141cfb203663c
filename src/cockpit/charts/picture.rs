//! The numbers of one chart as they are drawn.

use super::{
    Beside, Chart, Curve, Kind, Look,
    trace::{Rim, Tracer},
};
use crate::{
    cockpit::{
        state::{Curves, RunView},
        theme::ChartColor,
    },
    curve::{Point, Range, Scale, middle},
};

/// Curves of a family that a chart shows at most.
const FAMILY: usize = 6;

/// Where a chart's numbers come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The run.
    pub run: &'a RunView,
    /// A past run to be seen beside it.
    pub ghost: Option<&'a Curves>,
    /// Bytes that the run should stay within.
    pub limit: Option<f64>,
}

/// A curve, ready to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name in the legend.
    pub label: String,
    /// Its metric.
    pub metric: String,
    /// Its colour.
    pub color: ChartColor,
    /// What was measured, where the curve beside it is smoothed.
    pub raw: Vec<Point>,
    /// The curve.
    pub points: Vec<Point>,
}

/// A held-out evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Its place on the x-axis.
    pub x: f64,
    /// Its accuracy.
    pub value: f64,
}

/// What a chart shows, in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The curves.
    pub lines: Vec<Line>,
    /// The band around them.
    pub band: Vec<Rim>,
    /// Wilson intervals of the held-out evaluations.
    pub intervals: Vec<Rim>,
    /// The evaluations.
    pub marks: Vec<Mark>,
    /// The past run's curves.
    pub ghost: Vec<Vec<Point>>,
    /// A value not to be exceeded, where it is in view.
    pub limit: Option<f64>,
    /// Values from the bottom to the top; `None` if there is nothing to draw.
    pub scale: Option<Scale>,
    /// Values in view that the scale has no place for.
    pub hidden: usize,
    /// From the left to the right end, as places are laid out.
    pub window: Range,
}

impl Picture {
    /// A chart's numbers.
    pub fn of(sources: Sources<'_>, chart: &Chart, look: &Look) -> Self {
        let tracer = Tracer { curves: sources.run.curves(), look };
        let mut picture = Self {
            lines: lines(tracer, chart),
            band: band(tracer, chart),
            intervals: Vec::new(),
            marks: Vec::new(),
            ghost: Vec::new(),
            limit: None,
            scale: None,
            hidden: 0,
            window: look.window,
        };
        if chart.beside() == Beside::HeldOut {
            (picture.marks, picture.intervals) = evaluations(tracer);
        }
        if let Some(past) = sources.ghost.filter(|_| chart.is_over_steps()) {
            let timeline = past.timeline();
            let step_at = |x| timeline.step_at(look.axis, look.spacing.count(x)).unwrap_or(0);
            let steps = (step_at(look.window.min), step_at(look.window.max));
            picture.ghost = ghost(Tracer { curves: past, look: &Look { steps, envelope: false, ..*look } }, chart);
        }
        let Some(range) = picture.range(tracer, chart) else { return picture };
        picture.limit = sources.limit.filter(|limit| {
            // A limit that is far off would flatten the curve for nothing.
            chart.beside() == Beside::Limit && *limit <= range.max * 1.5 && *limit >= range.min * 0.5
        });
        let range = picture.limit.and_then(|limit| Range::of([limit])).map_or(range, |limit| range.union(limit));
        picture.fit(tracer, chart, range);
        picture
    }

    /// The range of values to show.
    fn range(&self, tracer: Tracer<'_>, chart: &Chart) -> Option<Range> {
        let of = |points: &[Point]| Range::of(points.iter().map(|point| point.1));
        let rims = |rims: &[Rim]| Range::of(rims.iter().flat_map(|rim| [rim.1, rim.2]));
        let curves = self.lines.iter().flat_map(|line| [of(&line.points), measured(tracer, line)]);
        let ghosts = self.ghost.iter().map(|line| of(line));
        let marks = Range::of(self.marks.iter().map(|mark| mark.value));
        let bands = [rims(&self.band), rims(&self.intervals), marks];
        let all = curves.chain(ghosts).chain(bands).flatten().reduce(Range::union);
        // Parts of a whole are seen as such only above 0.
        let is_stacked = matches!(chart.kind, Kind::Several { stacked: true, .. });
        all.map(|range| if is_stacked { Range { min: range.min.min(0.0), ..range } } else { range })
    }

    /// Chooses the scale, and counts what it hides.
    fn fit(&mut self, tracer: Tracer<'_>, chart: &Chart, range: Range) {
        self.scale = Some(Scale::linear(range));
        if !tracer.look.log {
            return;
        }
        let values =
            self.lines.iter().filter_map(|line| tracer.series(&line.metric)).flat_map(|series| tracer.values(series));
        let positive = |value: &f64| value.is_finite() && *value > 0.0;
        let (mut least, mut hidden) = (f64::INFINITY, 0);
        for value in values.filter(|value| value.is_finite()) {
            if positive(&value) { least = least.min(value) } else { hidden += 1 }
        }
        self.hidden = hidden;
        let marks = self.marks.iter().map(|mark| mark.value);
        let drawn = self.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        let least = marks.chain(drawn).filter(positive).fold(least, f64::min);
        let least = if chart.is_over_steps() && range.min > 0.0 { range.min } else { least };
        if let Some(scale) = Some(least)
            .filter(|least| least.is_finite() && *least <= range.max)
            .and_then(|least| Scale::log(Range { min: least, max: range.max }))
        {
            self.scale = Some(scale);
        }
    }
}

/// Of what was measured: beside a smoothed curve single spikes may leave the picture.
fn measured(tracer: Tracer<'_>, line: &Line) -> Option<Range> {
    (!line.raw.is_empty())
        .then(|| tracer.series(&line.metric))
        .flatten()
        .and_then(|series| middle(tracer.values(series)))
}

/// The curves of a chart.
fn lines(tracer: Tracer<'_>, chart: &Chart) -> Vec<Line> {
    let line = |curve: &Curve, points: Vec<Point>| Line {
        label: curve.label.clone().into_owned(),
        metric: curve.metric.clone().into_owned(),
        color: curve.color,
        raw: Vec::new(),
        points,
    };
    match &chart.kind {
        Kind::Metric(curve, _) => {
            let Some(series) = tracer.series(&curve.metric) else { return Vec::new() };
            let mut line = line(curve, tracer.smooth(series));
            if tracer.weight(series) > 0.0 && !tracer.look.envelope {
                line.raw = tracer.raw(series);
            }
            vec![line]
        }
        Kind::Several { curves, stacked, .. } => {
            let there: Vec<_> =
                curves.iter().filter_map(|curve| tracer.series(&curve.metric).map(|series| (curve, series))).collect();
            if *stacked {
                let series: Vec<_> = there.iter().map(|(_, series)| *series).collect();
                let points = tracer.stacked(&series);
                return there.iter().zip(points).map(|((curve, _), points)| line(curve, points)).collect();
            }
            there.into_iter().map(|(curve, series)| line(curve, tracer.smooth(series))).collect()
        }
        Kind::Family { prefix, suffix } => {
            let family = tracer.curves.family(prefix, suffix).take(FAMILY).zip(ChartColor::ALL);
            family
                .map(|((metric, label, series), color)| Line {
                    label: label.to_owned(),
                    metric: metric.to_owned(),
                    color,
                    raw: Vec::new(),
                    points: tracer.smooth(series),
                })
                .collect()
        }
        Kind::Histogram(_) | Kind::Heat(_) => Vec::new(),
    }
}

/// The band around a chart's curve.
fn band(tracer: Tracer<'_>, chart: &Chart) -> Vec<Rim> {
    let Kind::Metric(curve, beside) = &chart.kind else { return Vec::new() };
    let Some(series) = tracer.series(&curve.metric) else { return Vec::new() };
    match beside {
        _ if tracer.look.envelope => tracer.extremes(series),
        _ if !tracer.look.bands => Vec::new(),
        Beside::Spread(other) => tracer.series(other).map_or_else(Vec::new, |other| tracer.spread(series, other)),
        Beside::Between(low, high) => match (tracer.series(low), tracer.series(high)) {
            (Some(low), Some(high)) => tracer.between(low, high),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The evaluations in view, with their intervals where there is room for bands.
fn evaluations(tracer: Tracer<'_>) -> (Vec<Mark>, Vec<Rim>) {
    let (first, last) = tracer.look.steps;
    let seen = || tracer.curves.evals().iter().filter(|eval| (first..=last).contains(&eval.step));
    let marks = seen().map(|eval| Mark { x: tracer.x(eval.step), value: eval.execution_accuracy }).collect();
    let bands = seen().filter(|_| tracer.look.bands);
    (marks, bands.map(|eval| (tracer.x(eval.step), eval.wilson[0], eval.wilson[1])).collect())
}

/// The same curves of a past run. Of accuracy that is what was held out, which tells more than the rest.
fn ghost(tracer: Tracer<'_>, chart: &Chart) -> Vec<Vec<Point>> {
    match &chart.kind {
        Kind::Several { stacked: true, curves, .. } => {
            let series: Vec<_> = curves.iter().filter_map(|curve| tracer.series(&curve.metric)).collect();
            tracer.stacked(&series).pop().into_iter().collect()
        }
        Kind::Metric(_, Beside::HeldOut) if !tracer.curves.evals().is_empty() => {
            vec![evaluations(tracer).0.iter().map(|mark| (mark.x, mark.value)).collect()]
        }
        _ => lines(tracer, chart).into_iter().map(|line| line.points).take(1).collect(),
    }
}
