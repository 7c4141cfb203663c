//! The grid of charts: title and value above, the curve, its range below.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Block, Borders, Widget},
};

use super::{
    curves::{self, Words, picture, place, titles, values},
    distribution, marks,
    widgets::put,
};
use crate::cockpit::{
    app::App,
    charts::{Chart, Kind, Picture},
    panes::Pane,
    text,
};

/// Columns and rows that a chart needs at least.
const CELL: (u16, u16) = (18, 4);
/// Rows that it gets where there are so many charts that they come in pages, once there are two rows of them.
const ROOMY: u16 = 6;
/// Columns from which on a page of charts says more than a table of all.
const TABLE: u16 = 60;

/// How many charts fit side by side and below each other.
fn grid(charts: usize, area: Rect) -> (u16, u16) {
    let columns = match (area.width / CELL.0).clamp(1, 4) {
        // Eight in two rows of four; nine, or six, look better in threes.
        4 if charts <= 12 && !charts.is_multiple_of(4) => 3,
        columns => columns,
    };
    let fitting = (area.height / ROOMY).max((area.height / CELL.1).min(2));
    let rows = (charts as u16).div_ceil(columns).min(fitting);
    (columns, rows.max(1))
}

/// Draws the page of the grid with the selected chart; gives the number of charts side by side, and of those on a page.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> (usize, usize) {
    let charts = app.charts();
    let (columns, rows) = grid(charts.len(), area);
    let page = usize::from(columns * rows);
    if area.height < CELL.1 || (page < charts.len() && area.width < TABLE) {
        super::tiny::table(app, area, buf);
        return (1, usize::from(area.height).max(1));
    }
    let first = app.ui.chart.min(charts.len() - 1) / page * page;
    let shown = &charts[first..charts.len().min(first + page)];
    let remark = (page < charts.len()).then(|| format!("{}-{} of {}", first + 1, first + shown.len(), charts.len()));
    for (at, chart) in shown.iter().enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let (x, right) = (area.width * column / columns, area.width * (column + 1) / columns);
        let (y, bottom) = (area.height * row / rows, area.height * (row + 1) / rows);
        let cell = Rect::new(area.x + x, area.y + y, right - x, bottom - y);
        let focused = app.ui.focus == Pane::Charts && app.ui.chart == first + at;
        let remark = remark.as_deref().filter(|_| at + 1 == shown.len());
        one(app, chart, focused, remark, cell, buf);
    }
    (usize::from(columns), page)
}

fn one(app: &App, chart: &Chart, focused: bool, remark: Option<&str>, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(app.symbols.border)
        .border_style(theme.border(focused))
        .style(theme.panel());
    let inner = block.inner(area);
    block.render(area, buf);
    if let Kind::Histogram(_) | Kind::Heat(_) = chart.kind {
        let words = distribution::render(app, chart, inner, buf);
        heading(app, chart, focused, area, buf);
        return foot(app, &words.0, &[remark.map_or(words.1, str::to_owned)], remark.is_some(), area, buf);
    }
    let picture = picture(app, chart, inner);
    curves::render(app, &picture, inner, buf);
    marks::render(app, &picture, inner, area, buf);
    heading(app, chart, focused, area, buf);
    let rights = remark.map_or_else(|| extent(app, &picture), |remark| vec![remark.to_owned()]);
    // Below the chart in focus the cursor says what happened at its step.
    let left = Some(happened(app)).filter(|words| focused && !words.is_empty());
    foot(app, &left.unwrap_or_else(|| range(app, chart, &picture)), &rights, remark.is_some(), area, buf);
}

/// What is marked at the cursor's step.
fn happened(app: &App) -> String {
    let markers = app.ui.charts.cursor.into_iter().flat_map(|step| app.markers_at(step));
    let words: Vec<String> = markers.map(|marker| app.symbols.cleaner().line(&marker.text).into_owned()).collect();
    words.join(", ")
}

/// Title on the left, newest value or the one at the cursor on the right of the upper frame.
fn heading(app: &App, chart: &Chart, focused: bool, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width.saturating_sub(2));
    let titles = titles(app, chart);
    let values = values(app, chart);
    let length = |words: &Words| words.iter().map(|(word, _)| text::width(word)).sum::<usize>();
    let pairs = values.iter().flat_map(|value| titles.iter().map(move |title| (title, value)));
    let fitting = pairs.clone().find(|(title, value)| text::width(title) + length(value) + 3 <= room);
    let Some((title, value)) = fitting.or(pairs.last()) else { return };
    let end = area.right().saturating_sub(1);
    let value_at = end.saturating_sub(length(value) as u16 + 1).max(area.x + 1);
    put(buf, area.x + 1, area.y, value_at, title, app.theme.title(focused));
    if length(value) > 0 {
        let mut x = put(buf, value_at, area.y, end, " ", app.theme.text());
        for (word, style) in value {
            x = put(buf, x, area.y, end, word, *style);
        }
    }
}

/// The range of values in words, with what the scale does to them.
pub fn range(app: &App, chart: &Chart, picture: &Picture) -> String {
    if chart.is_by_construction(&app.run) {
        return "0 by construction".into();
    }
    let Some(scale) = picture.scale else { return String::new() };
    let dash = if app.symbols.ascii { ".." } else { "–" };
    let mut words = chart.unit.show_range(scale.range, dash);
    if app.ui.charts.is_log(chart) {
        words += match (scale.log, picture.hidden) {
            (false, _) => ", no log of 0 or less".to_owned(),
            (true, 0) => " log".to_owned(),
            (true, hidden) => format!(" log, {hidden} hidden"),
        }
        .as_str();
    }
    words
}

/// What of the x-axis is shown, the longest form first.
fn extent(app: &App, picture: &Picture) -> Vec<String> {
    let dash = if app.symbols.ascii { ".." } else { "–" };
    let spacing = app.spacing();
    let end = |at| place(app.axis(), spacing.count(at));
    let (from, to) = (end(picture.window.min), end(picture.window.max));
    let mut forms = Vec::new();
    if let Some(step) = app.ui.charts.cursor {
        forms.extend([format!("step {step}"), step.to_string()]);
        return forms;
    }
    if from == to {
        return forms;
    }
    if app.ui.charts.is_zoomed() && app.ui.charts.follows() {
        forms.push(format!("{from}{dash}{to} follow"));
    }
    if spacing.is_log() {
        forms.push(format!("log {from}{dash}{to}"));
    }
    forms.push(format!("{from}{dash}{to}"));
    forms
}

/// Words on the left, and the longest of some on the right that fit, of the lower frame; a remark on the right goes before the left.
fn foot(app: &App, left: &str, rights: &[String], is_remark: bool, area: Rect, buf: &mut Buffer) {
    let (y, end) = (area.bottom().saturating_sub(1), area.right().saturating_sub(1));
    let room = usize::from(area.width.saturating_sub(2));
    // A mark that the axis could not do without goes before how a scale is called.
    let shortest = rights.last().map_or(0, |right| text::width(right));
    let brief = left.split(',').next().unwrap_or(left);
    let fits = |left: &str| text::width(left) + shortest + 2 <= room;
    let left = [left, brief].into_iter().find(|left| fits(left)).unwrap_or(if is_remark { "" } else { brief });
    let after = put(buf, area.x + 1, y, end, &text::fit(left, room, ""), app.theme.muted());
    let fits = |right: &&String| end.saturating_sub(text::width(right) as u16) > after + 1;
    if let Some(right) = rights.iter().find(fits) {
        put(buf, end.saturating_sub(text::width(right) as u16), y, end, right, app.theme.muted());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_never_get_smaller_than_a_chart_needs() {
        for width in 30..260 {
            for height in 4..90 {
                for charts in 1..30 {
                    let (columns, rows) = grid(charts, Rect::new(0, 0, width, height));
                    assert!(width / columns >= CELL.0 && height / rows >= CELL.1, "{charts} in {width}x{height}");
                    let page = usize::from(columns * rows);
                    assert!(page >= charts || height / ROOMY <= rows, "{charts} in {width}x{height}: {page}");
                }
            }
        }
    }
}
