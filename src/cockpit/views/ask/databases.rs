//! The databases of the run.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
};

use crate::cockpit::{
    app::App,
    draw::widgets::{empty, frame, put},
    text,
};

/// Names that have the filter's letters.
pub(super) fn names(app: &App) -> Vec<&str> {
    let all = app.run.info().map(|info| &info.data.databases[..]).unwrap_or_default();
    let filter = &app.ui.ask.filter;
    all.iter().map(String::as_str).filter(|name| name.to_lowercase().contains(filter.as_str())).collect()
}

/// The marked one.
pub(super) fn marked(app: &App) -> Option<String> {
    names(app).get(app.ui.ask.database).map(|name| (*name).to_owned())
}

/// Draws the list.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let (names, place) = (names(app), &app.ui.ask);
    let remark = if place.filter.is_empty() { format!("{}", names.len()) } else { format!("/{}", place.filter) };
    let inner = frame(app, "databases", &remark, !place.at_answers, area, buf).inner(Margin::new(1, 0));
    if names.is_empty() {
        let why = if place.filter.is_empty() { "this run names none" } else { "none has these letters" };
        return empty(app, &[why, "/ filters"], inner, buf);
    }
    let height = usize::from(inner.height);
    let from = (place.database + 1).saturating_sub(height);
    for (line, (at, name)) in names.iter().enumerate().skip(from).take(height).enumerate() {
        let chosen = at == place.database;
        let (mark, style) = if chosen { (app.symbols.cursor, app.theme.selection()) } else { (" ", app.theme.text()) };
        let x = put(buf, inner.x, inner.y + line as u16, inner.right(), &format!("{mark} "), app.theme.accent());
        let name = app.symbols.cleaner().flat(name);
        let name = text::fit(&name, usize::from(inner.right().saturating_sub(x)), app.symbols.ellipsis);
        put(buf, x, inner.y + line as u16, inner.right(), &name, style);
    }
}
