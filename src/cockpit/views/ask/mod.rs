//! The ask view: a question of one's own, answered by the base model and by the policy in training, side by side.
//!
//! ```text
//! ├ databases ──┬ question, answers ─────────┤
//! ```

mod answers;
mod databases;
#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use super::doctor::move_to;
use crate::{
    cockpit::{
        action::Action,
        app::{App, Effect, scroll},
        entry::Purpose,
    },
    run::{command::Command, event::LogLevel},
};

/// Room from which the list of databases stands beside the answers.
const SIDE_BY_SIDE: u16 = 78;

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The marked database among those that the filter leaves.
    database: usize,
    /// Letters that databases must have in their names.
    filter: String,
    /// Whether answers are moved among rather than databases.
    at_answers: bool,
    /// The answer on show, counted from the newest.
    answer: usize,
    /// Lines that it is scrolled down.
    scroll: usize,
}

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let (databases, answers) = (databases::names(app).len(), app.run.notices().answers().len());
    let place = &mut app.ui.ask;
    place.database = place.database.min(databases.saturating_sub(1));
    place.answer = place.answer.min(answers.saturating_sub(1));
    if area.width >= SIDE_BY_SIDE {
        let [left, right] = Layout::horizontal([Constraint::Length(26), Constraint::Min(0)]).areas(area);
        databases::render(app, left, buf);
        app.ui.ask.scroll = answers::render(app, right, buf);
    } else if place.at_answers {
        app.ui.ask.scroll = answers::render(app, area, buf);
    } else {
        databases::render(app, area, buf);
    }
}

/// Does what a key means here.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    let (databases, answers) = (databases::names(app).len(), app.run.notices().answers().len());
    let place = &mut app.ui.ask;
    match action {
        Action::FocusNext | Action::FocusPrevious => place.at_answers = !place.at_answers,
        Action::Filter => {
            let filter = place.filter.clone();
            app.type_line(Purpose::DatabaseFilter, &filter);
        }
        Action::Apply => question(app),
        Action::Left | Action::Right if place.at_answers => {
            let towards = if action == Action::Left { Action::Down } else { Action::Up };
            move_to(&mut place.answer, towards, answers);
            place.scroll = 0;
        }
        _ if place.at_answers => scroll(&mut place.scroll, action, false),
        _ => move_to(&mut place.database, action, databases),
    }
    None
}

/// Lets the person type a question on the marked database.
fn question(app: &mut App) {
    if let Some(why) = app.why_no_orders() {
        return app.toast(LogLevel::Warn, why);
    }
    match databases::marked(app) {
        Some(_) => app.type_line(Purpose::Question, ""),
        None => app.toast(LogLevel::Warn, "choose a database first; / filters".into()),
    }
}

/// Asks what was typed.
pub fn take_question(app: &mut App, text: &str) {
    let question = text.trim().to_owned();
    if let (Some(database), false) = (databases::marked(app), question.is_empty()) {
        let words = format!("asked on {database}: the answers come between two steps");
        app.order(Command::Ask { database, question }, &words);
        (app.ui.ask.at_answers, app.ui.ask.answer, app.ui.ask.scroll) = (true, 0, 0);
    }
}

/// Filters databases by letters.
pub fn take_filter(app: &mut App, text: &str) {
    (app.ui.ask.filter, app.ui.ask.database, app.ui.ask.at_answers) = (text.trim().to_lowercase(), 0, false);
}
