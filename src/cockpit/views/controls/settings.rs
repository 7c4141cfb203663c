//! The settings: those that can change while it trains, or all.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
};
use serde_json::Value;

use super::propose::{propose, shown};
use crate::{
    cockpit::{
        app::App,
        draw::widgets::{empty, frame, put},
        text,
    },
    run::event::LogLevel,
    settings::{Settings, docs, is_live},
};

/// A setting on show.
pub(super) struct Row {
    pub key: &'static str,
    pub value: Value,
    /// Where the value comes from.
    pub from: String,
}

/// The settings on show, in the order of the file that lists them.
pub(super) fn rows(app: &App) -> Vec<Row> {
    let Some(info) = app.run.info() else { return Vec::new() };
    let place = &app.ui.controls;
    let defaults = Settings::default();
    let letters = place.filter.to_lowercase();
    let row = |key: &'static str| {
        let (group, name) = key.split_once('.')?;
        let value = info.settings.get(group)?.get(name)?.clone();
        let changed = app.run.notices().changes().iter().rev().find(|change| change.key == key);
        let from = match changed {
            Some(change) => format!("changed at {}", change.takes_effect),
            None if defaults.value(key).as_ref() == Some(&value) => "default".to_owned(),
            None => "given".to_owned(),
        };
        Some(Row { key, value, from })
    };
    let wanted = |key: &&str| (place.all || is_live(key)) && (letters.is_empty() || key.contains(&letters));
    docs::keys().filter(wanted).filter_map(row).collect()
}

fn marked(app: &App) -> Option<Row> {
    rows(app).into_iter().nth(app.ui.controls.setting)
}

/// Lets the person type another value of the marked setting.
pub(super) fn edit(app: &mut App) {
    if let Some(row) = marked(app) {
        propose(app, row.key, &row.value);
    }
}

/// Copies the marked setting as a flag of a new run.
pub(super) fn copy(app: &mut App) {
    match marked(app) {
        Some(row) => app.copy("the flag", format!("--set '{}={}'", row.key, shown(&row.value))),
        None => app.toast(LogLevel::Warn, "there is no setting to copy".into()),
    }
}

/// Draws the list, and below it what is said of the marked setting.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let (rows, place) = (rows(app), &app.ui.controls);
    let title = if place.all { "all settings" } else { "live settings" };
    let remark = match place.filter.as_str() {
        "" => "enter changes, y copies, a: all or live, / filters".to_owned(),
        filter => format!("/{filter} {} found", rows.len()),
    };
    let inner = frame(app, title, &remark, !place.at_checkpoints, area, buf).inner(Margin::new(1, 0));
    let Some(marked) = rows.get(place.setting) else {
        let words = if place.filter.is_empty() {
            "settings come with the run's first event"
        } else {
            "no setting has these letters"
        };
        return empty(app, &[words, "esc closes, / filters"], inner, buf);
    };
    let words = about(marked, usize::from(inner.width));
    let below = (words.len() as u16).min(inner.height.saturating_sub(2)).min(4);
    let height = usize::from(inner.height - below);
    let from = (place.setting + 1).saturating_sub(height);
    let key_width = 34.min(usize::from(inner.width) * 3 / 5);
    for (line, (at, row)) in rows.iter().enumerate().skip(from).take(height).enumerate() {
        let y = inner.y + line as u16;
        let chosen = at == place.setting;
        let mark = if chosen { app.symbols.cursor } else { " " };
        let x = put(buf, inner.x, y, inner.right(), &format!("{mark} "), app.theme.accent());
        let style = if is_live(row.key) { app.theme.text() } else { app.theme.muted() };
        let x = put(buf, x, y, inner.right(), &text::pad(row.key, key_width, app.symbols.ellipsis), style);
        let value = app.symbols.cleaner().flat(&shown(&row.value));
        let room = usize::from(inner.right().saturating_sub(x)).saturating_sub(16);
        let x = put(buf, x, y, inner.right(), &text::pad(&value, room.max(8), app.symbols.ellipsis), app.theme.value());
        let from = if is_live(row.key) { &row.from } else { "needs a new run" };
        put(buf, x, y, inner.right(), &format!(" {from}"), app.theme.muted());
        if chosen {
            buf.set_style(Rect { y, height: 1, ..inner }, app.theme.selection());
        }
    }
    for (line, words) in words.iter().take(usize::from(below)).enumerate() {
        let y = inner.bottom() - below + line as u16;
        put(buf, inner.x, y, inner.right(), words, app.theme.muted());
    }
}

fn about(row: &Row, width: usize) -> Vec<String> {
    let doc = docs::doc(row.key).unwrap_or_default();
    let how = if is_live(row.key) { String::new() } else { format!(" Needs a new run; {}.", row.from) };
    text::wrap(&format!("{doc}{how}"), width)
}
