//! What the charts of the dashboard show: the catalogue, the person's place on them, and the numbers that are drawn.
//!
//! No terminal type comes in here; [`draw()`](super::draw()) paints what [`Picture::of`] gives.

mod cache;
mod catalog;
mod distribution;
mod picture;
mod place;
mod trace;

use std::borrow::Cow;

pub use cache::Pictures;
pub use catalog::{arranged, charts};
pub use distribution::{Heat, Measure, heat, histogram};
pub use picture::{Line, Mark, Picture, Sources};
pub use place::{Look, Place, SMOOTHINGS};

use super::{
    figures::Unit,
    state::{RunView, Series},
    theme::ChartColor,
};
use crate::run::metrics;

/// One chart of the dashboard.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its name in settings: one of [`crate::settings::CHARTS`], or the metric's.
    pub name: Cow<'static, str>,
    /// Title where the catalogue's label would not do.
    pub title: Cow<'static, str>,
    /// How values are written.
    pub unit: Unit,
    /// Whether it starts with a logarithmic scale.
    pub log: bool,
    /// What it shows.
    pub kind: Kind,
}

/// What a chart shows.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One metric, and what comes with it.
    Metric(Curve, Beside),
    /// Several metrics, one above the other where `stacked`.
    Several {
        /// The metrics.
        curves: &'static [Curve],
        /// Whether each is added to those before it.
        stacked: bool,
        /// What comes with them.
        beside: Beside,
    },
    /// All metrics whose names begin and end so.
    Family {
        /// The beginning.
        prefix: &'static str,
        /// The end.
        suffix: &'static str,
    },
    /// How the candidates of a step are distributed.
    Histogram(Measure),
    /// The same over the newest steps.
    Heat(Measure),
}

/// A metric as a curve.
#[derive(Debug, Clone)]
pub struct Curve {
    /// The metric.
    pub metric: Cow<'static, str>,
    /// Its name in the legend.
    pub label: Cow<'static, str>,
    /// Its colour.
    pub color: ChartColor,
}

/// What is shown beside a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// A band of so much (a metric's value) to both sides.
    Spread(&'static str),
    /// A band between two metrics.
    Between(&'static str, &'static str),
    /// Held-out evaluations with their Wilson intervals.
    HeldOut,
    /// The limit of memory, where one is set.
    Limit,
}

impl Chart {
    /// The one metric that it shows, or the first.
    pub fn metric(&self) -> Option<&str> {
        match &self.kind {
            Kind::Metric(curve, _) => Some(&curve.metric),
            Kind::Several { curves, .. } => curves.first().map(|curve| curve.metric.as_ref()),
            Kind::Family { .. } => None,
            Kind::Histogram(measure) | Kind::Heat(measure) => Some(measure.metric()),
        }
    }

    /// Whether it shows nothing but what the settings make so: with one update a rollout the policy that is updated is the one
    /// that wrote the replies, ratios are 1, and nothing can be clipped.
    pub fn is_by_construction(&self, run: &RunView) -> bool {
        let of_ratios = self.metric().is_some_and(|metric| metric.starts_with("clip_ratio/"));
        let updates = run.series(metrics::UPDATES_PER_ROLLOUT).and_then(Series::last);
        of_ratios && updates.is_some_and(|updates| (updates - 1.0).abs() < 1e-9)
    }

    /// The colour of its only or first curve.
    pub fn color(&self) -> ChartColor {
        match &self.kind {
            Kind::Metric(curve, _) => curve.color,
            Kind::Several { curves, .. } => curves.first().map_or(ChartColor::Reward, |curve| curve.color),
            Kind::Family { .. } => ChartColor::Reward,
            Kind::Histogram(measure) | Kind::Heat(measure) => measure.color(),
        }
    }

    /// What is shown beside its curves.
    pub fn beside(&self) -> Beside {
        match &self.kind {
            Kind::Metric(_, beside) | Kind::Several { beside, .. } => *beside,
            _ => Beside::Nothing,
        }
    }

    /// Whether it shows values over steps, so that it has an x-axis like the others.
    pub fn is_over_steps(&self) -> bool {
        !matches!(self.kind, Kind::Histogram(_) | Kind::Heat(_))
    }
}

#[cfg(test)]
mod tests;
