//! The axes of a chart on the whole screen.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    curves::{self, place},
    marks,
    widgets::put,
};
use crate::{
    cockpit::{
        app::App,
        charts::{Chart, Picture},
        state::Axis,
        text,
    },
    curve::{Range, Scale, decades, round_ticks, time_decades, time_ticks},
};

/// Rows from one value on the axis to the next, at least.
const ROWS: u16 = 3;
/// Columns from one place on the axis to the next, at least.
const COLUMNS: u16 = 12;

/// Draws a chart's curves between a scale of values on the left and one of places below.
pub fn render(app: &App, chart: &Chart, picture: &Arc<Picture>, area: Rect, buf: &mut Buffer) {
    let Some(scale) = picture.scale else { return };
    let marks = values(chart, scale, area.height.saturating_sub(2));
    let gutter = marks.iter().map(|(_, mark)| text::width(mark)).max().unwrap_or(0) as u16 + 2;
    if area.height < 5 || area.width < gutter + 6 {
        return curves::render(app, picture, area, buf);
    }
    let room = Rect::new(area.x + gutter, area.y, area.width - gutter - 1, area.height - 2);
    frame(app, room, buf);
    for (value, mark) in &marks {
        let row = ((1.0 - scale.share(*value)) * f64::from(room.height * 4 - 1)).round() as u16 / 4;
        let x = room.x - 1 - text::width(mark) as u16;
        put(buf, x, room.y + row, room.x, mark, app.theme.muted());
        put(buf, room.x - 1, room.y + row, room.x, tick(app, true), app.theme.border(false));
    }
    below(app, picture, room, buf);
    curves::render(app, picture, room, buf);
    let line = Rect { y: room.bottom(), height: 1, ..room };
    marks::render(app, picture, room, line, buf);
}

/// The lines on the left and below.
fn frame(app: &App, room: Rect, buf: &mut Buffer) {
    let (faint, border) = (app.theme.border(false), app.symbols.border);
    for y in room.y..room.bottom() {
        put(buf, room.x - 1, y, room.x, border.vertical_left, faint);
    }
    for x in room.x..room.right() {
        put(buf, x, room.bottom(), room.right(), border.horizontal_bottom, faint);
    }
    put(buf, room.x - 1, room.bottom(), room.x, border.bottom_left, faint);
}

fn tick(app: &App, value: bool) -> &'static str {
    match (app.symbols.ascii, value) {
        (true, _) => "+",
        (false, true) => "┤",
        (false, false) => "┬",
    }
}

/// Round values with their names; the ends where no round value lies between them.
fn values(chart: &Chart, scale: Scale, rows: u16) -> Vec<(f64, String)> {
    let most = usize::from(rows / ROWS + 1).clamp(2, 9);
    let Range { min, max } = scale.range;
    // Of memory a round number is one of its units.
    let ticks = if scale.log { decades(scale.range, most) } else { round_ticks(scale.range, most) };
    let ticks = if ticks.len() < 2 { vec![min, max] } else { ticks };
    let gap = if scale.log { min } else { ticks[1] - ticks[0] };
    let named = |value: f64| if scale.log { chart.unit.show(value) } else { chart.unit.mark(value, gap) };
    let mut marks: Vec<(f64, String)> = ticks.into_iter().map(|value| (value, named(value))).collect();
    marks.dedup_by(|a, b| a.1 == b.1);
    marks
}

/// What round places there are on the axis, at most so many.
fn ticks(app: &App, window: Range, most: usize) -> Vec<f64> {
    let (axis, spacing) = (app.axis(), app.spacing());
    let counts = Range { min: spacing.count(window.min), max: spacing.count(window.max) };
    let even = |counts| if axis == Axis::Clock { time_ticks(counts, most) } else { round_ticks(counts, most) };
    let powers = |counts| if axis == Axis::Clock { time_decades(counts, most) } else { decades(counts, most) };
    let mut ticks = if spacing.is_log() { powers(counts) } else { Vec::new() };
    if ticks.len() < 2 {
        // Few steps of a long run have no power of ten among them.
        ticks = even(counts);
    }
    // No part of a step is a place.
    ticks.retain(|tick| axis != Axis::Step || tick.fract() == 0.0);
    ticks
}

/// Round places below the plot, with their names under them.
fn below(app: &App, picture: &Picture, room: Rect, buf: &mut Buffer) {
    let (axis, spacing, window, y) = (app.axis(), app.spacing(), picture.window, room.bottom());
    let most = usize::from(room.width / COLUMNS).clamp(1, 12);
    let name = if spacing.is_log() { format!("{} (log)", axis.name()) } else { axis.name().to_owned() };
    let mut free = put(buf, room.x, y + 1, room.right(), &name, app.theme.muted()) + 1;
    for tick in ticks(app, window, most) {
        let share = if window.span() > 0.0 { (spacing.place(tick) - window.min) / window.span() } else { 0.0 };
        let x = room.x + (share * f64::from(room.width * 2 - 1)).round() as u16 / 2;
        put(buf, x, y, room.right(), self::tick(app, false), app.theme.border(false));
        let words = place(axis, tick);
        let start = x
            .saturating_sub(text::width(&words) as u16 / 2)
            .min(room.right() - (text::width(&words) as u16).min(room.width));
        if start >= free {
            free = put(buf, start, y + 1, room.right(), &words, app.theme.muted()) + 2;
        }
    }
}
