//! The list of runs.

use jiff::{Timestamp, tz::Offset};
use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
};

use crate::{
    cockpit::{
        app::App,
        draw::widgets::{empty, frame, put},
        figures,
        runs::{RunSummary, State},
        text,
    },
    run::event::Method,
};

/// Draws the list around the cursor.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let place = &app.ui.runs;
    let folder = app.symbols.cleaner().flat(&app.runs_folder().display().to_string());
    let title = format!("runs {} {folder}", app.symbols.dot);
    let remark = if place.reading { "reading".to_owned() } else { place.order.name().to_owned() };
    let inner = frame(app, &title, &remark, true, area, buf).inner(Margin::new(1, 0));
    if let Some(error) = &place.error {
        return empty(app, &[&app.symbols.cleaner().flat(error), "r reads it again"], inner, buf);
    }
    if place.runs().is_empty() {
        let words = if place.reading { "the folder is being read" } else { "no runs here" };
        return empty(app, &[words], inner, buf);
    }
    let width = usize::from(inner.width);
    put(buf, inner.x, inner.y, inner.right(), &row(app, None, width), app.theme.muted());
    let rows = usize::from(inner.height).saturating_sub(1);
    let first = place.cursor.saturating_sub(rows / 2).min(place.runs().len().saturating_sub(rows));
    for (at, run) in place.runs().iter().enumerate().skip(first).take(rows) {
        let y = inner.y + 1 + (at - first) as u16;
        put(buf, inner.x, y, inner.right(), &row(app, Some(run), width), style(app, run));
        if at == place.cursor {
            buf.set_style(Rect::new(inner.x, y, inner.width, 1), app.theme.selection());
        }
    }
}

fn style(app: &App, run: &RunSummary) -> Style {
    match run.state {
        State::Running | State::Paused => app.theme.good(),
        State::Failed | State::Killed | State::Unreadable => app.theme.bad(),
        State::Finished | State::Stopped => app.theme.text(),
    }
}

/// A run, or the headings, as a row: the marks, then the figures that are told of it, the name last where room is short.
fn row(app: &App, run: Option<&RunSummary>, width: usize) -> String {
    let none = || "-".to_owned();
    let cells = match run {
        None => ["", "state", "step", "best", "size", "method", "started"].map(str::to_owned),
        Some(run) => {
            let is_here = app.place.run.as_deref().is_some_and(|path| path == run.path);
            let mark = if app.ui.runs.is_marked(run) {
                "*"
            } else if is_here {
                app.symbols.cursor
            } else {
                " "
            };
            [
                mark.to_owned(),
                run.state.word().to_owned(),
                run.max_steps.map_or_else(|| run.step.to_string(), |max| format!("{}/{max}", run.step)),
                run.best_accuracy.map_or_else(none, |share| format!("{:.1}%", share * 100.0)),
                figures::bytes(run.bytes as f64),
                run.method.map_or_else(none, |method| {
                    match method {
                        Method::Grpo => "grpo",
                        Method::Sft => "sft",
                    }
                    .to_owned()
                }),
                started(app, run).unwrap_or_else(none),
            ]
        }
    };
    let widths = [1, 10, 11, 6, 9, 6, 16];
    let shown = if width >= 84 {
        7
    } else if width >= 60 {
        5
    } else {
        3
    };
    let mut line = String::new();
    for (cell, columns) in cells.iter().zip(widths).take(shown) {
        line += &text::pad(cell, columns, app.symbols.ellipsis);
        line += " ";
    }
    let name = run.map_or_else(|| "run".to_owned(), |run| app.symbols.cleaner().flat(&run.name));
    let name = match run.and_then(|run| run.error.as_ref()) {
        Some(error) => format!("{name}: {}", app.symbols.cleaner().flat(error)),
        None => name,
    };
    let room = width.saturating_sub(text::width(&line));
    line + &text::fit(&name, room, app.symbols.ellipsis)
}

fn started(app: &App, run: &RunSummary) -> Option<String> {
    let time = Timestamp::from_second(run.started? as i64).ok()?;
    let offset = Offset::from_seconds(app.place.utc_offset).ok()?;
    Some(offset.to_datetime(time).strftime("%Y-%m-%d %H:%M").to_string())
}
