//! The grid of charts: title and value above, the curve, its range below.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Block, Borders, Widget},
};

use super::{plot, widgets::put};
use crate::{
    cockpit::{
        app::App,
        figures::Unit,
        panes::{Chart, Pane},
        state::{Range, Series},
        text,
        theme::ChartColor,
    },
    run::{event::MemorySource, metrics},
};

/// Points from which on a curve is smoothed.
const SMOOTHED: usize = 10;

/// A chart's data, ready to draw.
pub(super) struct ChartData<'a> {
    /// What was measured.
    pub curve: &'a [(u64, f64)],
    /// The smoothed curve; empty where there is no smoothing.
    pub smooth: Vec<(u64, f64)>,
    /// Held-out evaluations.
    pub marks: Vec<(u64, f64)>,
    /// Range of both.
    pub range: Option<Range>,
    /// First and last step of both.
    pub steps: (u64, u64),
}

impl<'a> ChartData<'a> {
    pub fn of(app: &'a App, chart: &Chart) -> Self {
        let series = app.run.series(chart.metric);
        let curve = series.map_or(&[][..], Series::points);
        let marks: Vec<_> = if chart.held_out {
            app.run.evals().iter().map(|eval| (eval.step, eval.execution_accuracy)).collect()
        } else {
            Vec::new()
        };
        let smooth = series.filter(|series| app.ui.smoothing > 0.0 && series.points().len() >= SMOOTHED);
        let smooth = smooth.map_or_else(Vec::new, |series| series.smoothed(app.ui.smoothing));
        // Beside a smoothed curve single spikes may leave the picture.
        let measured = if smooth.is_empty() { series.and_then(Series::range) } else { series.and_then(Series::middle) };
        let ranges = [
            measured,
            Range::of(smooth.iter().map(|(_, value)| *value)),
            Range::of(marks.iter().map(|(_, value)| *value)),
        ];
        let range = ranges.into_iter().flatten().reduce(Range::union);
        let ends =
            [curve.first(), curve.last(), marks.first(), marks.last()].into_iter().flatten().map(|(step, _)| *step);
        let steps = (ends.clone().min().unwrap_or(0), ends.max().unwrap_or(0));
        Self { curve, smooth, marks, range, steps }
    }

    /// The plot of it.
    pub fn plot(&self, app: &App, chart: &Chart, values: Range) -> plot::Plot<'_> {
        let [style, faint] = [app.theme.chart(chart.color), app.theme.border(false)];
        let curves = if self.smooth.is_empty() {
            [(&[][..], faint), (self.curve, style)]
        } else {
            [(self.curve, faint), (&self.smooth[..], style)]
        };
        plot::Plot {
            curves,
            marks: &self.marks,
            mark_style: app.theme.chart(ChartColor::HeldOut),
            steps: self.steps,
            values,
        }
    }
}

/// Names of a chart, the longest first: the first that fits is shown.
pub(super) fn titles(app: &App, chart: &Chart) -> Vec<&'static str> {
    let source = app.run.info().map(|info| info.memory_source);
    match (chart.metric, source) {
        (metrics::MEMORY_BYTES, Some(MemorySource::Gpu)) => vec!["GPU memory", "GPU mem"],
        (metrics::MEMORY_BYTES, Some(MemorySource::Process)) => vec!["process memory", "process mem", "proc mem"],
        (metrics::EXECUTION_ACCURACY, _) => vec!["execution accuracy", "accuracy", "acc"],
        _ => vec![chart.title],
    }
}

/// The newest values as text, the curve's and the held-out one, the longest form first.
fn values(app: &App, chart: &Chart) -> Vec<[String; 2]> {
    let last = app.run.series(chart.metric).and_then(Series::last);
    let train = last.map_or_else(String::new, |value| chart.unit.show(value));
    let Some(eval) = app.run.evals().last().filter(|_| chart.held_out) else { return vec![[train, String::new()]] };
    let (held_out, mark) = (chart.unit.show(eval.execution_accuracy), app.symbols.eval);
    let named = if train.is_empty() { String::new() } else { format!("train {train}  ") };
    let spaced = if train.is_empty() { String::new() } else { format!("{train} ") };
    vec![
        [named, format!("{mark} held-out {held_out}")],
        [spaced.clone(), format!("{mark} {held_out}")],
        [spaced, format!("{mark}{held_out}")],
    ]
}

/// Draws the grid; gives the number of charts side by side.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> usize {
    let columns = match (area.width / 18).clamp(1, 4) {
        4 if !app.charts().len().is_multiple_of(4) => 3,
        columns => columns,
    };
    let rows = (app.charts().len() as u16).div_ceil(columns);
    if area.height / rows < 4 {
        super::tiny::table(app, area, buf);
        return 1;
    }
    for (at, chart) in app.charts().iter().enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let (x, right) = (area.width * column / columns, area.width * (column + 1) / columns);
        let (y, bottom) = (area.height * row / rows, area.height * (row + 1) / rows);
        let cell = Rect::new(area.x + x, area.y + y, right - x, bottom - y);
        one(app, chart, app.ui.focus == Pane::Charts && app.ui.chart == at, cell, buf);
    }
    usize::from(columns)
}

fn one(app: &App, chart: &Chart, focused: bool, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(app.symbols.border)
        .border_style(theme.border(focused))
        .style(theme.panel());
    let inner = block.inner(area);
    block.render(area, buf);
    heading(app, chart, focused, area, buf);
    let data = ChartData::of(app, chart);
    let Some(range) = data.range else { return };
    footing(app, chart.unit, &data, range, area, buf);
    let plot = data.plot(app, chart, range);
    plot::render(&plot, app.symbols, inner, buf);
}

/// Title on the left, newest value on the right of the upper frame.
fn heading(app: &App, chart: &Chart, focused: bool, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width.saturating_sub(2));
    let titles = titles(app, chart);
    let values = values(app, chart);
    let length = |value: &[String; 2]| text::width(&value[0]) + text::width(&value[1]);
    let pairs = values.iter().flat_map(|value| titles.iter().map(move |title| (*title, value)));
    let fitting = pairs.clone().find(|(title, value)| text::width(title) + length(value) + 3 <= room);
    let Some((title, value)) = fitting.or(pairs.last()) else { return };
    let end = area.right().saturating_sub(1);
    let value_at = end.saturating_sub(length(value) as u16 + 1).max(area.x + 1);
    put(buf, area.x + 1, area.y, value_at, title, app.theme.title(focused));
    if length(value) > 0 {
        let style = |color| app.theme.chart(color).patch(app.theme.value());
        let x = put(buf, value_at, area.y, end, " ", app.theme.text());
        let x = put(buf, x, area.y, end, &value[0], style(chart.color));
        put(buf, x, area.y, end, &value[1], style(ChartColor::HeldOut));
    }
}

/// Range on the left, steps on the right of the lower frame.
fn footing(app: &App, unit: Unit, data: &ChartData<'_>, range: Range, area: Rect, buf: &mut Buffer) {
    let (y, end) = (area.bottom().saturating_sub(1), area.right().saturating_sub(1));
    let dash = if app.symbols.ascii { ".." } else { "–" };
    let text = unit.show_range(range, dash);
    let after = put(
        buf,
        area.x + 1,
        y,
        end,
        &text::fit(&text, usize::from(area.width.saturating_sub(2)), ""),
        app.theme.muted(),
    );
    let steps = format!("{}{dash}{}", data.steps.0, data.steps.1);
    let at = end.saturating_sub(text::width(&steps) as u16);
    if at > after + 1 && data.steps.0 < data.steps.1 {
        put(buf, at, y, end, &steps, app.theme.muted());
    }
}
