//! The row in which a person types.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::widgets::put;
use crate::cockpit::{app::App, entry::Purpose, text, views};

/// Draws the prompt, the line with its cursor, and what enter and escape do where there is room.
pub fn render(app: &App, purpose: Purpose, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, app.theme.screen());
    for x in area.left()..area.right() {
        buf[(x, area.y)].set_symbol(" ");
    }
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let x = put(buf, area.x + 1, area.y, area.right(), purpose.prompt(), theme.accent());
    let (before, after) = app.ui.line.parts();
    let (before, after) = (cleaner.line(before), cleaner.line(after));
    // The end of a long line is where the person types.
    let room = usize::from(area.right().saturating_sub(x)).saturating_sub(1);
    let x = put(buf, x, area.y, area.right(), text::last_columns(&before, room), theme.text());
    let mut rest = after.chars();
    let under = rest.next().map_or_else(|| " ".to_owned(), |c| c.to_string());
    let x = put(buf, x, area.y, area.right(), &under, theme.text().add_modifier(Modifier::REVERSED));
    let x = put(buf, x, area.y, area.right(), rest.as_str(), theme.text());
    let hint = match purpose {
        Purpose::Value => views::controls::hint(app, app.ui.line.text()).1,
        other => other.hint().to_owned(),
    };
    // What a change means is worth being cut rather than left out.
    let hint = if purpose == Purpose::Value {
        let room = usize::from(area.right().saturating_sub(x + 3));
        text::fit(&cleaner.flat(&hint), room, app.symbols.ellipsis)
    } else {
        hint
    };
    if x + 2 + (text::width(&hint) as u16) < area.right() {
        put(buf, x + 2, area.y, area.right(), &hint, theme.muted());
    }
}
