//! What very small screens show.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    curves::{self, titles},
    distribution, entry, header,
    widgets::put,
};
use crate::cockpit::{app::App, charts::Kind, panes::Pane, text, ui::Overlay};

/// The state, the step and, where there is room, the selected chart. Questions are asked in one line.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if let Overlay::Entry(purpose) = app.ui.overlay {
        return entry::render(app, purpose, Rect { height: 1, ..area }, buf);
    }
    if let Overlay::Quit(_) = app.ui.overlay {
        let room = usize::from(area.width);
        let words = text::wrap("quit? d detach, c checkpoint and stop, s stop without, esc stay", room);
        for (row, line) in words.iter().enumerate().take(usize::from(area.height)) {
            put(buf, area.x, area.y + row as u16, area.right(), line, app.theme.warn());
        }
        return;
    }
    let (state, style) = header::state(app);
    let max = app.run.max_steps().map_or_else(String::new, |max| format!("/{max}"));
    let x = put(buf, area.x, area.y, area.right(), &format!("{}{max} ", app.run.step()), app.theme.strong());
    put(buf, x, area.y, area.right(), &state, style);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if below.is_empty() {
        return;
    }
    row(app, app.ui.chart, Rect { height: 1, ..below }, buf);
    draw_curve(app, app.ui.chart, Rect { y: below.y + 1, height: below.height - 1, ..below }, buf);
}

/// All metrics in a row each: name, value, curve. For panes too low for the grid.
pub fn table(app: &App, area: Rect, buf: &mut Buffer) {
    let first = app.ui.chart.saturating_sub(usize::from(area.height).saturating_sub(1));
    for (line, at) in (first..app.charts().len()).enumerate().take(usize::from(area.height)) {
        row(app, at, Rect { y: area.y + line as u16, height: 1, ..area }, buf);
    }
}

fn row(app: &App, at: usize, area: Rect, buf: &mut Buffer) {
    let chart = app.chart(at);
    let name = titles(app, chart).pop().unwrap_or_default();
    let marked = app.ui.focus == Pane::Charts && app.ui.chart == at;
    let x = put(buf, area.x, area.y, area.right(), if marked { app.symbols.cursor } else { " " }, app.theme.accent());
    let x = put(buf, x, area.y, area.right(), &text::pad(&name, 10, ""), app.theme.title(false));
    let value = chart.metric().and_then(|metric| curves::value_of(app, metric));
    let value = value.map_or_else(|| "-".into(), |value| chart.unit.show(value));
    let x = put(buf, x, area.y, area.right(), &text::pad(&value, 9, ""), app.theme.chart(chart.color()));
    if area.right() > x + 4 {
        draw_curve(app, at, Rect { x, width: area.right() - x - 1, ..area }, buf);
    }
}

fn draw_curve(app: &App, at: usize, area: Rect, buf: &mut Buffer) {
    let chart = app.chart(at);
    match chart.kind {
        Kind::Histogram(_) | Kind::Heat(_) => {
            distribution::render(app, chart, area, buf);
        }
        _ => curves::render(app, &curves::picture(app, chart, area), area, buf),
    }
}
