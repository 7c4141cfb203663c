//! The marked alarm in full, with its remedies.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
};

use super::list::{cost, sign, title};
use crate::cockpit::{
    app::App,
    draw::widgets::{frame, scrolled},
    text,
};

/// Draws it.
pub(super) fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let rows = super::rows(app);
    let Some(row) = rows.get(app.ui.doctor.alarm) else { return };
    let (alarm, place) = (row.alarm, &app.ui.doctor);
    let key = if place.inside { "enter applies a setting" } else { "tab: remedies" };
    let inner = frame(app, &title(&alarm.detector), key, place.inside, area, buf).inner(Margin::new(1, 0));
    let (width, theme, cleaner) = (usize::from(inner.width), &app.theme, app.symbols.cleaner());
    let (word, style) = sign(app, row);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let wrapped = |words: &str, width: usize| text::wrap(&cleaner.flat(words), width);
    lines.extend(wrapped(&alarm.what, width).into_iter().map(|line| Line::styled(line, style)));
    let over = row.until.map_or_else(String::new, |until| format!(", over since step {until}"));
    let costs = alarm.cost.map_or_else(String::new, |of| format!(", costs {}", cost(of)));
    let facts = format!(
        "{}, since step {}{over}, {:.0}% sure{costs}",
        word.trim_start_matches(['!', '-', ' ']),
        alarm.since,
        alarm.confidence * 100.0
    );
    lines.extend(wrapped(&facts, width).into_iter().map(|line| Line::styled(line, theme.muted())));
    let done = alarm.done.iter().flat_map(|done| wrapped(done, width));
    lines.extend(done.map(|line| Line::styled(line, theme.accent())));
    lines.push(Line::styled("what helps:", theme.muted()));
    let mut marked = 0;
    for (at, remedy) in alarm.remedies.iter().enumerate() {
        let chosen = place.inside && at == place.remedy.min(alarm.remedies.len() - 1);
        if chosen {
            marked = lines.len() + 1;
        }
        let sign = if chosen { app.symbols.cursor } else { " " };
        let kind = if remedy.set.is_some() { "set" } else { "   " };
        for (part, words) in wrapped(&remedy.text, width.saturating_sub(6)).into_iter().enumerate() {
            let head = if part == 0 { format!("{sign} {kind} ") } else { "      ".into() };
            let style = if chosen { theme.selection() } else { theme.text() };
            lines.push(Line::from(vec![Span::styled(head, theme.accent()), Span::styled(words, style)]));
        }
    }
    // The marked remedy stays on the screen.
    let lines: Vec<_> = lines.iter().map(styled).collect();
    scrolled(&lines, marked.saturating_sub(usize::from(inner.height)), inner, buf);
}

/// A line's own style given to its spans, which are drawn by themselves.
fn styled(line: &Line<'static>) -> Line<'static> {
    Line::from(
        line.spans
            .iter()
            .map(|span| Span::styled(span.content.clone(), line.style.patch(span.style)))
            .collect::<Vec<_>>(),
    )
}
