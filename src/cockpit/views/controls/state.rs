//! What the trainer is doing, and the keys that change it.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
};

use crate::cockpit::{
    action::{Action, Scope, info_of},
    app::App,
    draw::widgets::{frame, put},
    text,
    views::View,
};
use crate::run::event::RunState;

/// Draws it: the state, and one hint after the other.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let inner = frame(app, "controls", "", false, area, buf).inner(Margin::new(1, 0));
    let state = match app.run.state() {
        RunState::Loading => "loading",
        RunState::Running => "training",
        RunState::Pausing => "pausing at the end of the step",
        RunState::Paused => "paused",
        RunState::Stopping => "stopping",
        RunState::Ended => "ended",
    };
    let (steps, changes) = (app.run.step(), app.run.notices().changes().len());
    let why = app.why_no_orders();
    let parts = [
        Some(format!("{state} after step {steps}")),
        (changes > 0).then(|| format!("{changes} changes by hand")),
        why.clone(),
    ];
    let words = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let words = text::fit(&words, usize::from(inner.width), app.symbols.ellipsis);
    put(buf, inner.x, inner.y, inner.right(), &words, app.theme.text());
    let hints = [
        (Action::PauseResume, Scope::Main),
        (Action::StepOnce, Scope::View(View::Controls)),
        (Action::Note, Scope::View(View::Controls)),
        (Action::Evaluate, Scope::Main),
        (Action::RollBack, Scope::View(View::Controls)),
        (Action::Quit, Scope::Main),
    ];
    let mut x = inner.x;
    for info in hints.into_iter().filter_map(|(action, scope)| info_of(action, scope)) {
        let label = match (info.action, app.run.state()) {
            (Action::PauseResume, RunState::Paused | RunState::Pausing) => "resume",
            (Action::Quit, _) => "stop or leave",
            _ => info.label,
        };
        let (key, label) = (app.keymap.label(info), format!(" {label}"));
        if x + (text::width(&key) + text::width(&label)) as u16 > inner.right() {
            break;
        }
        // What nobody is there to hear is greyed.
        let style = if why.is_some() && info.action != Action::Quit { app.theme.muted() } else { app.theme.accent() };
        x = put(buf, x, inner.y + 1, inner.right(), &key, style);
        x = put(buf, x, inner.y + 1, inner.right(), &label, app.theme.muted()) + 2;
    }
}
