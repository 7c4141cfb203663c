//! The question before leaving.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Clear, Widget},
};

use super::widgets::{frame, middle, put};
use crate::cockpit::{
    action::{Scope, info_of},
    app::{App, QUIT_ANSWERS},
    text,
};

/// Asks how to quit; `marked` is the marked answer.
pub fn quit(app: &App, marked: usize, area: Rect, buf: &mut Buffer) {
    let room = middle(area, 78, 10);
    Clear.render(room, buf);
    buf.set_style(room, app.theme.screen());
    let inner = frame(app, "leave the training?", "enter chooses", true, room, buf);
    let said = match app.run.checkpoints().last() {
        Some(saved) => {
            format!("The newest checkpoint is of step {}; the run is at step {}.", saved.step, app.run.step())
        }
        None => "There is no checkpoint yet.".to_owned(),
    };
    put(buf, inner.x + 1, inner.y, inner.right(), &said, app.theme.muted());
    let first = inner.y + if inner.height > 4 { 2 } else { 1 };
    for (at, action) in QUIT_ANSWERS.iter().enumerate() {
        let Some(info) = info_of(*action, Scope::Quit) else { continue };
        let y = first + at as u16;
        if y >= inner.bottom() {
            break;
        }
        let cursor = if at == marked { app.symbols.cursor } else { " " };
        let x = put(buf, inner.x + 1, y, inner.right(), &format!("{cursor} "), app.theme.accent());
        let x = put(buf, x, y, inner.right(), &text::pad(&app.keymap.label(info), 4, ""), app.theme.accent());
        let x = put(buf, x, y, inner.right(), &text::pad(info.label, 21, ""), app.theme.strong());
        let help = text::fit(info.help, usize::from(inner.right().saturating_sub(x)), app.symbols.ellipsis);
        put(buf, x, y, inner.right(), &help, app.theme.muted());
        if at == marked {
            buf.set_style(Rect::new(inner.x, y, inner.width, 1), app.theme.selection());
        }
    }
    let y = first + QUIT_ANSWERS.len() as u16 + 1;
    if y < inner.bottom() {
        put(buf, inner.x + 1, y, inner.right(), "Saved checkpoints stay, whatever you choose.", app.theme.muted());
    }
}
