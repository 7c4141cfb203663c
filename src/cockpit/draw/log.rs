//! The log pane: the newest line at the bottom.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
    text::{Line, Span},
};

use super::widgets::{empty, frame, put_spans};
use crate::{
    cockpit::{app::App, figures, panes::Pane, state::LogEntry, text},
    run::event::LogLevel,
};

/// Draws the pane; gives the scroll position brought back within bounds.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> usize {
    let scroll = app.ui.log_scroll;
    let dropped = app.presence().map_or(0, |presence| presence.dropped);
    let remark = match (app.run.missed(), app.run.unknown(), scroll, dropped) {
        (0, 0, 0, 0) => String::new(),
        (0, 0, 0, dropped) => format!("{dropped} dropped, read again"),
        (0, 0, scroll, _) => format!("{scroll} lines up, G follows"),
        (0, unknown, ..) => format!("{unknown} events of a newer version"),
        (missed, ..) => format!("{missed} events lost"),
    };
    let inner = frame(app, "log", &remark, app.ui.focus == Pane::Log, area, buf).inner(Margin::new(1, 0));
    if app.run.log().lines().len() == 0 {
        empty(app, &["nothing said yet"], inner, buf);
        return 0;
    }
    let height = usize::from(inner.height);
    let lines = tail(app, usize::from(inner.width), height.saturating_add(scroll));
    let scroll = scroll.min(lines.len().saturating_sub(height));
    // `lines` runs from the newest line upwards.
    for (row, line) in lines.iter().skip(scroll).take(height).enumerate() {
        let shown = lines.len().min(height);
        let y = inner.y + (shown - 1 - row) as u16;
        put_spans(buf, inner.x, y, inner.right(), &line.spans);
    }
    scroll
}

/// At least `wanted` screen lines if there are so many, the newest first.
fn tail(app: &App, width: usize, wanted: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for entry in app.run.log().lines().rev() {
        lines.extend(entry_lines(app, entry, width).into_iter().rev());
        if lines.len() >= wanted {
            break;
        }
    }
    lines
}

fn entry_lines(app: &App, entry: &LogEntry, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let (word, style): (&str, Style) = match entry.level {
        LogLevel::Debug => ("", theme.muted()),
        LogLevel::Info => ("", theme.text()),
        LogLevel::Warn => ("warning: ", theme.warn()),
        LogLevel::Error => ("error: ", theme.bad()),
    };
    let time = entry.time.map_or_else(
        || "cockpit ".into(),
        |time| format!("{} ", figures::clock(time + f64::from(app.place.utc_offset))),
    );
    let indent = time.len();
    let cleaner = app.symbols.cleaner();
    let mut first = Some(time);
    let mut lines = Vec::new();
    for line in cleaner.lines(&format!("{word}{}", entry.message)) {
        for part in text::wrap(&line, width.saturating_sub(indent)) {
            let left = first.take().unwrap_or_else(|| " ".repeat(indent));
            lines.push(Line::from(vec![Span::styled(left, theme.muted()), Span::styled(part, style)]));
        }
    }
    lines
}
