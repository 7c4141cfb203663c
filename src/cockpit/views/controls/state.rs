//! What the trainer is doing, and the keys that change it.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
};

use crate::cockpit::{
    action::{Action, Scope, info_of},
    app::App,
    draw::widgets::{frame, put},
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
    let words = format!("{state} after step {steps}; {changes} settings changed by hand");
    let words = app.why_no_orders().map_or(words.clone(), |why| format!("{words}; {why}"));
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
        x = put(buf, x, inner.y + 1, inner.right(), &app.keymap.label(info), app.theme.accent());
        x = put(buf, x, inner.y + 1, inner.right(), &format!(" {label}"), app.theme.muted()) + 2;
    }
}
