//! The last row: a notice if there is one, else the keys.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::widgets::put;
use crate::{
    cockpit::{
        action::{Action, Scope, hints, needs_trainer},
        app::App,
        text,
        views::View,
    },
    run::event::{LogLevel, RunState},
};

/// Draws the footer.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    match &app.ui.toast {
        Some(toast) => {
            let text = app.symbols.cleaner().line(&toast.text).into_owned();
            let text = text::fit(&text, usize::from(area.width).saturating_sub(4), app.symbols.ellipsis);
            put(
                buf,
                area.x + 1,
                area.y,
                area.right(),
                &format!("{} {text}", app.symbols.cursor),
                level(app, toast.level),
            );
        }
        None => keys(app, area, buf),
    }
}

fn level(app: &App, level: LogLevel) -> Style {
    match level {
        LogLevel::Debug | LogLevel::Info => app.theme.accent(),
        LogLevel::Warn => app.theme.warn(),
        LogLevel::Error => app.theme.bad(),
    }
}

/// Whether a general key is worth a hint in a view: some move nothing that is on show there.
fn is_of_use(view: View, action: Action) -> bool {
    match action {
        Action::PreviousGroup | Action::NextGroup => view == View::Train,
        Action::Zoom => matches!(view, View::Train | View::Rollouts | View::Model | View::Runs),
        Action::FocusNext => !matches!(view, View::Runs | View::Logs),
        _ => true,
    }
}

/// As many hints as fit, the most needed ones first; what makes no sense now is left out.
fn keys(app: &App, area: Rect, buf: &mut Buffer) {
    let mut x = area.x + 1;
    let replay = app.tape().is_some();
    let tape = if replay { hints(Scope::Replay) } else { Vec::new() };
    // The charts' own keys stand in their panes.
    let view = if app.ui.view == View::Train { Vec::new() } else { hints(Scope::View(app.ui.view)) };
    let mut hints = [hints(Scope::Main), view, tape].concat();
    // A view's own keys and the tape's come first among equals, and space is the tape's.
    hints.sort_by_key(|info| (info.hint, info.scope == Scope::Main));
    hints.retain(|info| !replay || info.action != Action::PauseResume);
    hints.retain(|info| is_of_use(app.ui.view, info.action));
    for info in hints {
        // In a replay the trainer's keys are greyed, so that nobody looks for them.
        let greyed = replay && needs_trainer(info.action) && info.action != Action::TakeControl;
        if !greyed && app.unavailable(info.action).is_some() {
            continue;
        }
        let label = match (info.action, app.run.state()) {
            (Action::PauseResume, RunState::Paused | RunState::Pausing) => "resume",
            (Action::Zoom, _) if app.ui.zoom => "unzoom",
            _ => info.label,
        };
        let key = app.keymap.label(info);
        if key.is_empty() {
            continue;
        }
        let width = (text::width(&key) + text::width(label) + 1) as u16;
        if x + width > area.right() {
            break;
        }
        let style = if greyed { app.theme.muted() } else { app.theme.accent() };
        x = put(buf, x, area.y, area.right(), &key, style);
        x = put(buf, x, area.y, area.right(), &format!(" {label}"), app.theme.muted()) + 2;
    }
}
