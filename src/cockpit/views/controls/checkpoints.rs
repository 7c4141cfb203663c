//! The checkpoints to go back to, newest first.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
};

use crate::{
    cockpit::{
        app::App,
        draw::widgets::{empty, frame, put},
        entry::Purpose,
        figures, text,
    },
    run::event::{CheckpointReason, CheckpointSaved, LogLevel},
};

/// Checkpoints, newest first, each step once.
fn rows(app: &App) -> Vec<&CheckpointSaved> {
    let mut rows: Vec<&CheckpointSaved> = app.run.checkpoints().iter().rev().collect();
    rows.dedup_by_key(|saved| saved.step);
    rows
}

/// The step of the marked checkpoint.
pub(super) fn marked(app: &App) -> Option<u64> {
    rows(app).get(app.ui.controls.checkpoint).map(|saved| saved.step)
}

/// Asks whether to go back to the marked checkpoint.
pub(super) fn roll_back(app: &mut App) {
    app.ui.controls.at_checkpoints = true;
    if let Some(why) = app.why_no_orders() {
        return app.toast(LogLevel::Warn, why);
    }
    match marked(app) {
        Some(_) => app.type_line(Purpose::RollBack, ""),
        None => app.toast(LogLevel::Warn, "there is no checkpoint to go back to yet; c writes one".into()),
    }
}

/// Draws the list.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let (rows, place) = (rows(app), &app.ui.controls);
    let inner = frame(app, "checkpoints", "r goes back, m: with a note", place.at_checkpoints, area, buf);
    let inner = inner.inner(Margin::new(1, 0));
    if rows.is_empty() {
        return empty(app, &["no checkpoint yet", "c writes one, m one with a note"], inner, buf);
    }
    let height = usize::from(inner.height);
    let from = (place.checkpoint + 1).saturating_sub(height);
    for (line, (at, saved)) in rows.iter().enumerate().skip(from).take(height).enumerate() {
        let y = inner.y + line as u16;
        let chosen = place.at_checkpoints && at == place.checkpoint;
        let (mark, style) = if chosen { (app.symbols.cursor, app.theme.selection()) } else { (" ", app.theme.text()) };
        let x = put(buf, inner.x, y, inner.right(), &format!("{mark} "), app.theme.accent());
        let held_out = app.run.evals().iter().rev().find(|eval| eval.step == saved.step);
        let held_out = held_out.map_or_else(String::new, |eval| format!("{:.1}%", eval.execution_accuracy * 100.0));
        let why = match saved.reason {
            CheckpointReason::Periodic => "",
            CheckpointReason::Best => "best ",
            CheckpointReason::Manual => "asked for ",
            CheckpointReason::Final => "final ",
        };
        let facts = format!("step {:<6} {held_out:>6} {:>9}  ", saved.step, figures::bytes(saved.bytes as f64));
        let x = put(buf, x, y, inner.right(), &facts, style);
        let note = app.symbols.cleaner().flat(saved.note.as_deref().unwrap_or_default());
        let words = format!("{why}{note}");
        let room = usize::from(inner.right().saturating_sub(x));
        put(buf, x, y, inner.right(), &text::fit(&words, room, app.symbols.ellipsis), app.theme.muted());
    }
}
