//! What the screen is made of: panes, and the charts of the chart pane.

use super::{figures::Unit, theme::ChartColor};
use crate::run::{event::Method, metrics};

/// A part of the screen that takes the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The grid of charts.
    Charts,
    /// A question with its candidates.
    Sample,
    /// The log.
    Log,
}

impl Pane {
    /// All panes, in the order of the focus.
    pub const ALL: [Pane; 3] = [Pane::Charts, Pane::Sample, Pane::Log];

    /// The pane so many places further, around the end.
    #[must_use]
    pub fn cycle(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}

/// One chart of the grid.
#[derive(Debug, Clone, Copy)]
pub struct Chart {
    /// Title where the catalogue's label would not do.
    pub title: &'static str,
    /// The metric that it shows.
    pub metric: &'static str,
    /// How values are written.
    pub unit: Unit,
    /// The curve's colour.
    pub color: ChartColor,
    /// Whether held-out evaluations are marked in it.
    pub held_out: bool,
}

const fn chart(title: &'static str, metric: &'static str, unit: Unit, color: ChartColor) -> Chart {
    Chart { title, metric, unit, color, held_out: false }
}

/// The charts of a method, in reading order.
pub fn charts(method: Method) -> &'static [Chart] {
    match method {
        Method::Grpo => &GRPO,
        Method::Sft => &SFT,
    }
}

const ACCURACY: Chart =
    Chart { held_out: true, ..chart("accuracy", metrics::EXECUTION_ACCURACY, Unit::Percent, ChartColor::Accuracy) };

const SFT: [Chart; 6] = [
    chart("loss", metrics::LOSS, Unit::Plain, ChartColor::Loss),
    ACCURACY,
    chart("grad norm", metrics::GRAD_NORM, Unit::Plain, ChartColor::GradNorm),
    chart("learn rate", metrics::LEARNING_RATE, Unit::Plain, ChartColor::Entropy),
    chart("tokens/s", metrics::TOKENS_PER_SECOND, Unit::Plain, ChartColor::Speed),
    chart("memory", metrics::MEMORY_BYTES, Unit::Bytes, ChartColor::Memory),
];

const GRPO: [Chart; 8] = [
    chart("reward", metrics::REWARD, Unit::Plain, ChartColor::Reward),
    ACCURACY,
    chart("KL", metrics::KL, Unit::Plain, ChartColor::Kl),
    chart("loss", metrics::LOSS, Unit::Plain, ChartColor::Loss),
    chart("grad norm", metrics::GRAD_NORM, Unit::Plain, ChartColor::GradNorm),
    chart("entropy", metrics::ENTROPY, Unit::Plain, ChartColor::Entropy),
    chart("tokens/s", metrics::TOKENS_PER_SECOND, Unit::Plain, ChartColor::Speed),
    chart("memory", metrics::MEMORY_BYTES, Unit::Bytes, ChartColor::Memory),
];
