//! One chart on the whole screen: axes, figures, and what its metric means.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::Span,
};

use super::{
    charts::{ChartData, titles},
    plot,
    widgets::{empty, frame, put, put_spans},
};
use crate::{
    cockpit::{app::App, panes::Chart, state::Range, text, theme::ChartColor},
    run::metrics,
};

/// Draws the selected chart.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let chart = app.chart(app.ui.chart);
    let title = titles(app, chart)[0];
    let place = format!("chart {}/{}", app.ui.chart + 1, app.charts().len());
    let inner = frame(app, title, &place, true, area, buf);
    let about = about(app, chart, usize::from(inner.width).saturating_sub(2));
    let about_rows = (about.len() as u16).min(inner.height / 2);
    let [figures, middle, below] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(about_rows)]).areas(inner);
    let data = ChartData::of(app, chart);
    match data.range {
        Some(range) => {
            let spans = summary(app, chart, &data);
            put_spans(buf, figures.x + 1, figures.y, figures.right(), &spans);
            axes(app, chart, &data, range, middle, buf);
        }
        None => empty(app, &["no step yet"], middle, buf),
    }
    for (row, line) in about.iter().enumerate().take(usize::from(below.height)) {
        put(buf, below.x + 1, below.y + row as u16, below.right(), line, app.theme.muted());
    }
}

fn summary(app: &App, chart: &Chart, data: &ChartData<'_>) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let show = |value| chart.unit.show(value);
    let mut spans = Vec::new();
    if let Some((step, value)) = data.curve.last() {
        let name = if chart.held_out { "train" } else { "now" };
        spans.push(Span::styled(format!("{name} {}", show(*value)), theme.chart(chart.color).patch(theme.value())));
        spans.push(Span::styled(format!(" at step {step}"), theme.muted()));
    }
    if let Some(eval) = app.run.evals().last().filter(|_| chart.held_out) {
        let text = format!(
            "   {} held-out {} ({}/{}, 95% between {} and {})",
            app.symbols.eval,
            show(eval.execution_accuracy),
            eval.correct,
            eval.n,
            show(eval.wilson[0]),
            show(eval.wilson[1])
        );
        spans.push(Span::styled(text, theme.chart(ChartColor::HeldOut)));
    }
    let mean = app.run.series(chart.metric).and_then(|series| series.recent_mean(20));
    let mean = mean.map_or_else(String::new, |mean| format!("   mean of 20 {}", show(mean)));
    spans.push(Span::styled(mean, theme.muted()));
    spans
}

/// What the metric means, from the catalogue.
fn about(app: &App, chart: &Chart, width: usize) -> Vec<String> {
    let Some(info) = metrics::CATALOG.iter().find(|info| info.name == chart.metric) else { return Vec::new() };
    let cleaner = app.symbols.cleaner();
    let text = format!("{} Healthy: {}.", info.meaning, info.healthy);
    text::wrap(&cleaner.line(&text), width)
}

/// The curve with the scale of values on its left and the steps below.
fn axes(app: &App, chart: &Chart, data: &ChartData<'_>, range: Range, area: Rect, buf: &mut Buffer) {
    let gap = (range.max - range.min) / 20.0;
    let marks = [range.max, f64::midpoint(range.max, range.min), range.min].map(|value| chart.unit.mark(value, gap));
    let gutter = marks.iter().map(|mark| text::width(mark)).max().unwrap_or(0) as u16 + 2;
    if area.height < 4 || area.width < gutter + 4 {
        return;
    }
    let room = Rect::new(area.x + gutter, area.y, area.width - gutter - 1, area.height - 1);
    let rows = [room.y, room.y + room.height / 2, room.bottom() - 1];
    for (mark, y) in marks.iter().zip(rows) {
        let x = area.x + gutter - 1 - text::width(mark) as u16;
        put(buf, x, y, room.x, mark, app.theme.muted());
    }
    let y = room.bottom();
    put(buf, room.x, y, room.right(), &format!("step {}", data.steps.0), app.theme.muted());
    if data.steps.0 < data.steps.1 {
        let last = data.steps.1.to_string();
        put(buf, room.right().saturating_sub(last.len() as u16), y, room.right(), &last, app.theme.muted());
    }
    let plot = data.plot(app, chart, range);
    plot::render(&plot, app.symbols, room, buf);
}
