//! The list of themes; the screen around it wears the marked one.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::{Clear, Widget},
};

use super::widgets::{frame, put};
use crate::cockpit::{app::App, text};

/// Draws it on the right, so that most of the screen shows what the theme does.
pub fn render(app: &App, marked: usize, area: Rect, buf: &mut Buffer) {
    let names = &app.ui.themes;
    let wide = names.iter().map(|name| text::width(name)).max().unwrap_or(0) as u16;
    let width = (wide + 8).clamp(26, area.width.max(26)).min(area.width);
    let height = (names.len() as u16 + 2).min(area.height);
    let room = Rect::new(area.right() - width, area.y + (area.height - height) / 2, width, height);
    Clear.render(room, buf);
    buf.set_style(room, app.theme.screen());
    let inner = frame(app, "themes", "enter keeps", true, room, buf).inner(Margin::new(1, 0));
    let rows = usize::from(inner.height);
    let first = marked.saturating_sub(rows.saturating_sub(1));
    for (row, (at, name)) in names.iter().enumerate().skip(first).take(rows).enumerate() {
        let y = inner.y + row as u16;
        let sign = if at == marked { app.symbols.cursor } else { " " };
        let x = put(buf, inner.x, y, inner.right(), &text::pad(sign, 2, ""), app.theme.accent());
        put(buf, x, y, inner.right(), &text::fit(name, rows.max(usize::from(width)), ""), app.theme.text());
        if at == marked {
            buf.set_style(Rect { y, height: 1, ..inner }, app.theme.selection());
        }
    }
}
