//! A chart's curves with the app's colours, and the words for them.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    painted::Look,
    plot::{self, Layer, Plot},
};
use crate::{
    cockpit::{
        app::App,
        charts::{Beside, Chart, Kind, Picture},
        figures,
        state::{Axis, Series},
        theme::ChartColor,
    },
    run::{event::MemorySource, metrics},
};

/// Rows from which on a plot has room for bands.
const BANDS: u16 = 6;

/// The numbers of a chart for a plot of this size.
pub fn picture(app: &App, chart: &Chart, area: Rect) -> Arc<Picture> {
    app.picture(chart, &app.look(chart, usize::from(area.width) * 2, area.height >= BANDS))
}

/// Draws a chart's curves.
pub fn render(app: &App, picture: &Arc<Picture>, area: Rect, buf: &mut Buffer) {
    let Some(scale) = picture.scale else { return };
    let Some(ground) = buf.cell((area.x, area.y)).cloned().filter(|_| !area.is_empty()) else { return };
    let theme = &app.theme;
    let (faint, held_out) = (theme.border(false), theme.chart(ChartColor::HeldOut));
    let colors: Vec<Style> = picture.lines.iter().map(|line| theme.chart(line.color)).collect();
    let cursor = app.ui.charts.cursor.filter(|step| is_visible(app, *step)).map(|step| x_of(app, step));
    let mut styles = vec![faint, held_out, theme.warn(), theme.muted(), theme.value(), theme.accent()];
    styles.extend(&colors);
    let look = Look { size: (area.width, area.height), ground, styles, cursor, ascii: app.symbols.ascii };
    app.painted.put(picture, look, area, buf, |area, buf| {
        let mut layers = vec![Layer::Band(&picture.band, faint), Layer::Band(&picture.intervals, faint)];
        layers.extend(picture.limit.map(|limit| Layer::Rule(limit, theme.warn())));
        layers.extend(picture.ghost.iter().map(|points| Layer::Dashed(points, theme.muted())));
        layers.extend(picture.lines.iter().map(|line| Layer::Curve(&line.raw, faint)));
        layers.extend(picture.lines.iter().zip(&colors).map(|(line, color)| Layer::Curve(&line.points, *color)));
        if picture.lines.len() > 1 {
            let numbers = picture.lines.iter().zip(&colors).zip(1..);
            layers.extend(numbers.map(|((line, color), n)| Layer::Number(n, &line.points, color.patch(theme.value()))));
        }
        layers.push(Layer::Marks(&picture.marks, held_out));
        let cursor = cursor.map(|x| (x, theme.accent()));
        plot::render(&Plot { layers, window: picture.window, scale, cursor }, app.symbols, area, buf);
    });
}

/// Whether a step is in view.
pub fn is_visible(app: &App, step: u64) -> bool {
    let (from, to) = app.ui.charts.visible(app.steps());
    (from..=to).contains(&step)
}

/// Where a step lies on the axis on show, as it is laid out.
pub fn x_of(app: &App, step: u64) -> f64 {
    let timeline = app.run.curves().timeline();
    app.spacing().place(timeline.x(app.axis(), step))
}

/// A place on the x-axis in words.
pub fn place(axis: Axis, x: f64) -> String {
    match axis {
        Axis::Step => format!("{x:.0}"),
        Axis::Tokens | Axis::Samples => figures::count(x.max(0.0) as u64),
        Axis::Clock => figures::duration(x),
    }
}

/// Names of a chart, the longest first: the first that fits is shown.
pub fn titles(app: &App, chart: &Chart) -> Vec<String> {
    let own = |titles: &[&str]| titles.iter().map(|title| (*title).to_owned()).collect();
    let source = app.run.info().map(|info| info.memory_source);
    match (chart.name.as_ref(), chart.title.as_ref(), source) {
        ("memory", "memory", Some(MemorySource::Gpu)) => own(&["GPU memory", "GPU mem"]),
        ("memory", "memory", Some(MemorySource::Process)) => own(&["process memory", "process mem", "proc mem"]),
        ("accuracy", "accuracy", _) => own(&["execution accuracy", "accuracy", "acc"]),
        (_, title, _) => vec![app.symbols.cleaner().line(title).into_owned()],
    }
}

/// Words in their styles, side by side.
pub type Words = Vec<(String, Style)>;

/// A metric's value at the cursor, else its newest one.
pub fn value_of(app: &App, metric: &str) -> Option<f64> {
    let series = app.run.series(metric)?;
    app.ui.charts.cursor.map_or_else(|| series.last(), |step| series.at(step))
}

/// The values at the cursor, or the newest ones, the longest form first.
pub fn values(app: &App, chart: &Chart) -> Vec<Words> {
    let bold = |color| app.theme.chart(color).patch(app.theme.value());
    let show = |metric: &str| value_of(app, metric).map_or_else(String::new, |value| chart.unit.show(value));
    match &chart.kind {
        Kind::Metric(curve, Beside::HeldOut) => held_out(app, chart, &show(&curve.metric)),
        Kind::Metric(curve, _) => vec![vec![(show(&curve.metric), bold(curve.color))]],
        Kind::Several { curves, .. } => {
            let there = curves.iter().zip(1..).filter(|(curve, _)| app.run.series(&curve.metric).is_some());
            let there: Vec<_> = there.collect();
            let form = |long: bool| -> Words {
                let word = |(at, (curve, _)): (usize, &(&crate::cockpit::charts::Curve, i32))| {
                    let name = if long { format!("{} {} ", at + 1, curve.label) } else { String::new() };
                    (format!("{}{name}{}", if at > 0 { " " } else { "" }, show(&curve.metric)), bold(curve.color))
                };
                there.iter().enumerate().map(word).collect()
            };
            let first = there.first().map(|(curve, _)| (show(&curve.metric), bold(curve.color)));
            vec![form(true), form(false), first.into_iter().collect()]
        }
        Kind::Family { .. } | Kind::Histogram(_) | Kind::Heat(_) => vec![Vec::new()],
    }
}

/// Accuracy of the step and of the newest evaluation until then.
fn held_out(app: &App, chart: &Chart, train: &str) -> Vec<Words> {
    let bold = |color| app.theme.chart(color).patch(app.theme.value());
    let cursor = app.ui.charts.cursor.unwrap_or(u64::MAX);
    let eval = app.run.evals().iter().rev().find(|eval| eval.step <= cursor);
    let Some(eval) = eval else { return vec![vec![(train.to_owned(), bold(chart.color()))]] };
    let (share, mark) = (chart.unit.show(eval.execution_accuracy), app.symbols.eval);
    let named = if train.is_empty() { String::new() } else { format!("train {train}  ") };
    let spaced = if train.is_empty() { String::new() } else { format!("{train} ") };
    [
        (named, format!("{mark} held-out {share}")),
        (spaced.clone(), format!("{mark} {share}")),
        (spaced, format!("{mark}{share}")),
    ]
    .map(|(train, eval)| vec![(train, bold(chart.color())), (eval, bold(ChartColor::HeldOut))])
    .into()
}

/// What is left of the memory that the run should stay within, where the chart shows it.
pub fn head_room(app: &App, picture: &Picture) -> Option<String> {
    let used = [metrics::PEAK_MEMORY, metrics::MEMORY_BYTES];
    let used = used.iter().find_map(|metric| app.run.series(metric).and_then(Series::last))?;
    let limit = picture.limit?;
    let words = if used <= limit { "left" } else { "too much" };
    Some(format!("limit {}, {} {words}", figures::bytes(limit), figures::bytes((limit - used).abs())))
}
