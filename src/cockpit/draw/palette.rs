//! The palette: what is typed, and the actions that fit.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::{Clear, Widget},
};

use super::{
    entry,
    widgets::{empty, frame, middle, put},
};
use crate::cockpit::{app::App, entry::Purpose, text};

/// Columns of keys and of names.
const COLUMNS: (usize, usize) = (10, 18);

/// Draws it over the screen.
pub fn render(app: &App, marked: usize, area: Rect, buf: &mut Buffer) {
    let room = middle(area, 90, 18);
    Clear.render(room, buf);
    buf.set_style(room, app.theme.screen());
    let inner = frame(app, "actions", "enter does it, esc closes", true, room, buf).inner(Margin::new(1, 0));
    if inner.height < 2 {
        return;
    }
    entry::render(app, Purpose::Command, Rect { height: 1, ..inner }, buf);
    let list = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    let found = app.palette();
    if found.is_empty() {
        return empty(app, &["no action is called so", "esc closes"], list, buf);
    }
    let marked = marked.min(found.len() - 1);
    let height = usize::from(list.height);
    let first = marked.saturating_sub(height - 1);
    for (row, (at, (info, reason))) in found.iter().enumerate().skip(first).take(height).enumerate() {
        let y = list.y + row as u16;
        let (theme, end) = (&app.theme, list.right());
        let sign = if at == marked { app.symbols.cursor } else { " " };
        let x = put(buf, list.x, y, end, &text::pad(sign, 2, ""), theme.accent());
        let style = if reason.is_some() { theme.muted() } else { theme.accent() };
        let keys = text::pad(&app.keymap.labels(info), COLUMNS.0, app.symbols.ellipsis);
        let x = put(buf, x, y, end, &keys, style);
        let style = if reason.is_some() { theme.muted() } else { theme.text() };
        let x = put(buf, x + 1, y, end, &text::pad(info.label, COLUMNS.1, app.symbols.ellipsis), style);
        let words = reason.as_ref().map_or_else(|| info.help.to_owned(), |reason| format!("not now: {reason}"));
        let room = usize::from(end.saturating_sub(x + 1));
        put(buf, x + 1, y, end, &text::fit(&words, room, app.symbols.ellipsis), theme.muted());
        if at == marked {
            buf.set_style(Rect { y, height: 1, ..list }, theme.selection());
        }
    }
}
