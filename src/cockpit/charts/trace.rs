//! From a run's series to the points of a curve: x by the axis, smoothed, in as few points as there are dots.

use super::Look;
use crate::{
    cockpit::state::{Curves, Series},
    curve::{Ema, Extremes, Point, Range, clipped, envelope, thinned},
};

/// Points from which on a curve is smoothed.
const SMOOTHED: usize = 10;
/// Values around a step that its envelope spans, at least.
const NEIGHBOURS: usize = 9;

/// A low and a high value at an x.
pub type Rim = (f64, f64, f64);

/// Some metrics of a run, looked at in one way.
#[derive(Clone, Copy)]
pub struct Tracer<'a> {
    /// The run.
    pub curves: &'a Curves,
    /// The way.
    pub look: &'a Look,
}

impl<'a> Tracer<'a> {
    pub fn series(&self, metric: &str) -> Option<&'a Series> {
        self.curves.series(metric)
    }

    /// The points of a series in view, with one more on both sides, so that curves go on to the edges.
    fn in_view(&self, series: &Series) -> std::ops::Range<usize> {
        let between = series.between(self.look.steps.0, self.look.steps.1);
        between.start.saturating_sub(1)..(between.end + 1).min(series.points().len())
    }

    /// The measured values in view, cleared of what surrounds them.
    pub fn values(&self, series: &'a Series) -> impl ExactSizeIterator<Item = f64> + use<'a> {
        let between = series.between(self.look.steps.0, self.look.steps.1);
        series.points()[between].iter().map(|point| point.1)
    }

    /// The weight of the past for a series: short ones are not smoothed.
    pub fn weight(&self, series: &Series) -> f64 {
        if series.points().len() < SMOOTHED { 0.0 } else { self.look.smoothing }
    }

    /// The curve as measured.
    pub fn raw(&self, series: &Series) -> Vec<Point> {
        let points = &series.points()[self.in_view(series)];
        self.thin(points.iter().map(|(step, value)| (self.x(*step), *value)))
    }

    /// The smoothed curve, or the measured one where it is not smoothed.
    pub fn smooth(&self, series: &Series) -> Vec<Point> {
        let weight = self.weight(series);
        if weight <= 0.0 {
            return self.raw(series);
        }
        let view = self.in_view(series);
        let mut ema = Ema::new(weight);
        let points = series.points()[..view.end].iter().enumerate();
        let smooth = points.map(|(at, (step, value))| (at, *step, ema.next(*value)));
        self.thin(smooth.filter(|(at, ..)| *at >= view.start).map(|(_, step, value)| (self.x(step), value)))
    }

    /// Smallest and largest of the values around each step.
    pub fn extremes(&self, series: &Series) -> Vec<Rim> {
        let weight = self.weight(series);
        let width = NEIGHBOURS.max((2.0 / (1.0 - weight)).round() as usize) | 1;
        let (view, points) = (self.in_view(series), series.points());
        let half = width / 2;
        let mut extremes = Extremes::new(width);
        let mut rims = Vec::with_capacity(view.len());
        for at in view.start.saturating_sub(half)..view.end + half {
            let rim = extremes.next(points.get(at).map_or(f64::NAN, |point| point.1));
            if at >= view.start + half {
                let (low, high) = rim.unwrap_or((f64::NAN, f64::NAN));
                rims.push((self.x(points[at - half].0), low, high));
            }
        }
        self.rims(rims.into_iter())
    }

    /// A band around a smoothed curve, of the smoothed value of another metric.
    pub fn spread(&self, series: &Series, around: &Series) -> Vec<Rim> {
        let (mut mean, mut spread) = (Ema::new(self.weight(series)), Ema::new(self.weight(series)));
        let view = self.in_view(series);
        let first = series.points().get(view.start).map_or(0, |point| point.0);
        let mut others = around.points().iter().peekable();
        let mut rims = Vec::with_capacity(view.len());
        for (step, value) in &series.points()[..view.end] {
            while others.peek().is_some_and(|other| other.0 < *step) {
                others.next();
            }
            let other = others.peek().filter(|other| other.0 == *step).map_or(f64::NAN, |other| other.1);
            let (mean, spread) = (mean.next(*value), spread.next(other));
            if *step >= first {
                rims.push((self.x(*step), mean - spread, mean + spread));
            }
        }
        self.rims(rims.into_iter())
    }

    /// The band between two metrics.
    pub fn between(&self, low: &Series, high: &Series) -> Vec<Rim> {
        let (mut lower, mut upper) = (Ema::new(self.weight(low)), Ema::new(self.weight(low)));
        let end = self.in_view(low).end.min(self.in_view(high).end);
        let pairs = low.points()[..end].iter().zip(&high.points()[..end]);
        let rims = pairs.map(|((step, low), (_, high))| (*step, lower.next(*low), upper.next(*high)));
        self.rims(rims.filter(|rim| rim.0 >= self.look.steps.0).map(|(step, low, high)| (self.x(step), low, high)))
    }

    /// Several metrics, each added to those before it, at the steps of the first.
    pub fn stacked(&self, all: &[&Series]) -> Vec<Vec<Point>> {
        let Some(first) = all.first() else { return Vec::new() };
        let base = &first.points()[self.in_view(first)];
        let mut below = vec![0.0; base.len()];
        let mut lines = Vec::with_capacity(all.len());
        for series in all {
            let (mut ema, mut at) = (Ema::new(self.weight(first)), 0);
            for (step, value) in series.points() {
                let smooth = ema.next(*value);
                while base.get(at).is_some_and(|point| point.0 < *step) {
                    at += 1;
                }
                if base.get(at).is_some_and(|point| point.0 == *step) {
                    below[at] += smooth;
                }
            }
            lines.push(self.thin(base.iter().zip(&below).map(|((step, _), sum)| (self.x(*step), *sum))));
        }
        lines
    }

    pub fn x(&self, step: u64) -> f64 {
        self.look.spacing.place(self.curves.timeline().x(self.look.axis, step))
    }

    fn thin(&self, points: impl Iterator<Item = Point>) -> Vec<Point> {
        clipped(thinned(points, self.look.window, self.look.columns), self.look.window)
    }

    fn rims(&self, rims: impl Iterator<Item = Rim>) -> Vec<Rim> {
        let window: Range = self.look.window;
        envelope(rims.filter(|rim| rim.0 >= window.min && rim.0 <= window.max), window, self.look.columns)
    }
}
