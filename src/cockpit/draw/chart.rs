//! One chart on the whole screen: axes, figures, legend, and what its metric means.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::Span,
};

use super::{
    axes, charts, curves,
    curves::titles,
    distribution,
    widgets::{empty, frame, put, put_spans},
};
use crate::{
    cockpit::{
        app::App,
        charts::{Beside, Chart, Kind, Picture},
        text,
        theme::ChartColor,
    },
    run::metrics,
};

/// Draws the selected chart.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let chart = app.chart(app.ui.chart);
    let place = format!("chart {}/{}", app.ui.chart.min(app.charts().len() - 1) + 1, app.charts().len());
    let title = titles(app, chart).swap_remove(0);
    let inner = frame(app, &title, &place, true, area, buf);
    let about = about(app, chart, usize::from(inner.width).saturating_sub(2));
    let about_rows = (about.len() as u16).min(inner.height / 2);
    let head_rows = if inner.height >= 12 { 2 } else { 1 };
    let [figures, middle, below] =
        Layout::vertical([Constraint::Length(head_rows), Constraint::Min(0), Constraint::Length(about_rows)])
            .areas(inner);
    for (row, line) in about.iter().enumerate().take(usize::from(below.height)) {
        put(buf, below.x + 1, below.y + row as u16, below.right(), line, app.theme.muted());
    }
    if let Kind::Histogram(_) | Kind::Heat(_) = chart.kind {
        let room = Rect { x: middle.x + 1, width: middle.width.saturating_sub(2), ..middle };
        let words = distribution::render(app, chart, room, buf);
        put(buf, figures.x + 1, figures.y, figures.right(), &format!("{}   {}", words.0, words.1), app.theme.muted());
        return;
    }
    let picture = curves::picture(app, chart, middle);
    if picture.scale.is_none() {
        return empty(app, &["no step yet"], middle, buf);
    }
    put_spans(buf, figures.x + 1, figures.y, figures.right(), &summary(app, chart));
    let legend = legend(app, chart, &picture);
    if figures.height > 1 {
        put_spans(buf, figures.x + 1, figures.y + 1, figures.right(), &legend);
    }
    axes::render(app, chart, &picture, middle, buf);
}

/// What is at the cursor, or the newest values.
fn summary(app: &App, chart: &Chart) -> Vec<Span<'static>> {
    let (theme, show) = (&app.theme, |value| chart.unit.show(value));
    let mut spans: Vec<Span<'static>> = Vec::new();
    if let Some(step) = app.ui.charts.cursor {
        spans.push(Span::styled(format!("step {step}  "), theme.accent()));
    }
    let words = curves::values(app, chart).into_iter().next().unwrap_or_default();
    let is_single = words.len() == 1;
    spans.extend(words.into_iter().map(|(word, style)| Span::styled(word, style)));
    match app.ui.charts.cursor {
        Some(step) => {
            for marker in app.markers_at(step) {
                spans.push(Span::styled(format!("   {}", app.symbols.cleaner().line(&marker.text)), theme.strong()));
            }
            if !app.is_stored((step, 0)) && app.run.samples().of_step(step).next().is_none() {
                spans.push(Span::styled("   no samples of this step are kept", theme.muted()));
            }
        }
        None => {
            if let Some(step) = app.run.curves().timeline().last_step() {
                spans.push(Span::styled(format!(" at step {step}"), theme.muted()));
            }
        }
    }
    if let Some(eval) = app.run.evals().last().filter(|_| chart.beside() == Beside::HeldOut) {
        let (low, high) = (show(eval.wilson[0]), show(eval.wilson[1]));
        let text = format!("   newest held-out {}/{}, 95% between {low} and {high}", eval.correct, eval.n);
        spans.push(Span::styled(text, theme.chart(ChartColor::HeldOut)));
    }
    let mean = chart.metric().and_then(|metric| app.run.series(metric)).and_then(|series| series.recent_mean(20));
    if let Some(mean) = mean.filter(|_| is_single) {
        spans.push(Span::styled(format!("   mean of 20 {}", show(mean)), theme.muted()));
    }
    spans
}

/// What is drawn how.
fn legend(app: &App, chart: &Chart, picture: &Picture) -> Vec<Span<'static>> {
    let (theme, ascii) = (&app.theme, app.symbols.ascii);
    let [line, dotted, dashed] = if ascii { ["--", "..", "- "] } else { ["⠤⠤", "⠁⠄", "⠤ "] };
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut add = |sign: &str, words: String, style| {
        spans.push(Span::styled(format!("{sign} "), style));
        spans.push(Span::styled(format!("{words}   "), theme.muted()));
    };
    let several = picture.lines.len() > 1;
    for (curve, number) in picture.lines.iter().zip(1..) {
        let label = app.symbols.cleaner().line(&curve.label).into_owned();
        let sign = if several { number.to_string() } else { line.to_owned() };
        add(&sign, label, theme.chart(curve.color));
    }
    if picture.lines.iter().any(|curve| !curve.raw.is_empty()) {
        add(line, format!("as measured, smoothed by {}", app.ui.charts.smoothing), theme.border(false));
    }
    if !picture.band.is_empty() {
        let words = match chart.beside() {
            _ if app.ui.charts.envelope => "smallest to largest",
            Beside::Spread(_) => "± standard deviation",
            Beside::Between(..) => "shortest to longest",
            _ => "band",
        };
        let words = if ascii { words.replace('±', "+-") } else { words.to_owned() };
        add(dotted, words, theme.border(false));
    }
    if !picture.marks.is_empty() {
        add(app.symbols.eval, "held-out, 95% interval".into(), theme.chart(ChartColor::HeldOut));
    }
    if let Some(words) = curves::head_room(app, picture) {
        add(dashed, words, theme.warn());
    }
    if let Some(ghost) = app.ghost().filter(|_| !picture.ghost.is_empty()) {
        add(dashed, app.symbols.cleaner().line(&ghost.name).into_owned(), theme.muted());
    }
    if app.ui.charts.is_log(chart) {
        let hidden = if picture.hidden > 0 { " (0 or less)" } else { "" };
        add("", format!("{}{hidden}", charts::range(app, chart, picture)), theme.muted());
    }
    spans
}

/// What shares of clipping say where no ratio can differ from 1.
const BY_CONSTRUCTION: &str = "One update a rollout: probability ratios are 1 by construction and nothing can be clipped. That it is 0 says nothing \
     of the run's health.";

/// What the metric means, from the catalogue.
fn about(app: &App, chart: &Chart, width: usize) -> Vec<String> {
    if chart.is_by_construction(&app.run) {
        return text::wrap(BY_CONSTRUCTION, width);
    }
    let info = chart.metric().and_then(|metric| metrics::CATALOG.iter().find(|info| info.name == metric));
    let Some(info) = info else { return Vec::new() };
    let cleaner = app.symbols.cleaner();
    let text = format!("{} Healthy: {}.", info.meaning, info.healthy);
    text::wrap(&cleaner.line(&text), width)
}
