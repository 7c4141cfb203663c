//! What happened at which step: marks in the panels, and their legend above the page.

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{
    Look, PlotError,
    curves::{Area, draw_error, write},
    font,
    panel::Chart,
};
use crate::cockpit::state::{MarkerKind, RunView};

/// Kinds of marks in the order of the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Checkpoint,
    Evaluation,
    Alarm,
    Change,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Checkpoint, Self::Evaluation, Self::Alarm, Self::Change];

    fn of(kind: MarkerKind) -> Self {
        match kind {
            MarkerKind::Checkpoint => Self::Checkpoint,
            MarkerKind::Evaluation => Self::Evaluation,
            MarkerKind::Alarm(_) => Self::Alarm,
            MarkerKind::Change => Self::Change,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Evaluation => "evaluation",
            Self::Alarm => "alarm",
            Self::Change => "change by hand",
        }
    }

    /// The sign above a line, for those that have one: no colour is needed to tell them apart.
    fn sign(self) -> Option<&'static str> {
        match self {
            Self::Checkpoint | Self::Evaluation => None,
            Self::Alarm => Some("!"),
            Self::Change => Some("±"),
        }
    }

    fn ink(self, look: &Look) -> RGBColor {
        match self {
            Self::Checkpoint | Self::Evaluation => look.muted,
            Self::Alarm => look.alarm,
            Self::Change => look.change,
        }
    }
}

/// The steps of a kind, rising, each once.
fn steps(view: &RunView, kind: Kind) -> Vec<f64> {
    let of_kind = view.markers().iter().filter(|marker| Kind::of(marker.kind) == kind);
    let mut steps: Vec<u64> = of_kind.map(|marker| marker.step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps.into_iter().map(|step| step as f64).collect()
}

/// Marks the steps of a panel whose values go from `bottom` to `top`: triangles and short lines on the axis for checkpoints and
/// evaluations, lines with a sign on top for alarms and changes.
pub fn draw<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    view: &RunView,
    (bottom, top): (f64, f64),
    look: &Look,
    unit: f64,
) -> Result<(), PlotError> {
    let height = top - bottom;
    let stroke = (2.0 * unit).max(1.0) as u32;
    for kind in Kind::ALL {
        let (steps, ink) = (steps(view, kind), kind.ink(look));
        let line = |step: f64, to: f64, style: ShapeStyle| PathElement::new(vec![(step, bottom), (step, to)], style);
        match kind {
            Kind::Checkpoint => {
                let size = (7.0 * unit).max(2.0) as i32;
                let marks = steps.iter().map(|step| TriangleMarker::new((*step, bottom), size, ink.filled()));
                chart.draw_series(marks).map_err(draw_error)?;
            }
            Kind::Evaluation => {
                let marks = steps.iter().map(|step| line(*step, bottom + 0.05 * height, ink.stroke_width(stroke)));
                chart.draw_series(marks).map_err(draw_error)?;
            }
            Kind::Alarm | Kind::Change => {
                let marks = steps.iter().map(|step| line(*step, top, ink.mix(0.4).stroke_width(stroke)));
                chart.draw_series(marks).map_err(draw_error)?;
                // Changes stand a row lower, so that one that answers an alarm is seen beside it.
                let row = top - if kind == Kind::Alarm { 0.0 } else { 0.1 * height };
                let style = (font::FAMILY, 21.0 * unit).into_font().color(&ink).pos(Pos::new(HPos::Right, VPos::Top));
                let signs =
                    apart(&steps).map(|step| Text::new(kind.sign().unwrap_or_default(), (step, row), style.clone()));
                chart.draw_series(signs).map_err(draw_error)?;
            }
        }
    }
    Ok(())
}

/// Of steps that lie closer together than a hundredth of all, the first: signs over each other cannot be read.
fn apart(steps: &[f64]) -> impl Iterator<Item = f64> {
    let gap = steps.last().zip(steps.first()).map_or(0.0, |(last, first)| (last - first) / 100.0);
    let mut before = f64::NEG_INFINITY;
    steps.iter().copied().filter(move |step| {
        let is_apart = *step - before >= gap;
        if is_apart {
            before = *step;
        }
        is_apart
    })
}

/// Names the marks that there are, from a place on to the right.
pub fn legend<B: DrawingBackend>(
    area: &Area<B>,
    view: &RunView,
    look: &Look,
    unit: f64,
    (mut x, y): (i32, i32),
) -> Result<(), PlotError> {
    let size = |pixels: f64| (pixels * unit).max(1.0) as i32;
    for kind in Kind::ALL.into_iter().filter(|kind| !steps(view, *kind).is_empty()) {
        let ink = kind.ink(look);
        let (at, low, high) = ((x + size(8.0), y), y + size(10.0), y - size(10.0));
        let line = |style: ShapeStyle| PathElement::new(vec![(at.0, low), (at.0, high)], style);
        match kind {
            Kind::Checkpoint => area.draw(&TriangleMarker::new(at, size(7.0).max(2), ink.filled())),
            Kind::Evaluation => area.draw(&line(ink.stroke_width(size(2.0) as u32))),
            Kind::Alarm | Kind::Change => area.draw(&line(ink.mix(0.4).stroke_width(size(2.0) as u32))),
        }
        .map_err(draw_error)?;
        x += size(18.0);
        let words = kind.sign().map_or_else(|| kind.name().to_owned(), |sign| format!("{sign} {}", kind.name()));
        write(area, &words, (x, y), 19.0 * unit, look.muted)?;
        x += size(34.0) + size(words.chars().count() as f64 * 10.0);
    }
    Ok(())
}
