//! What keys do in the view.

use super::place::Body;
use crate::{
    cockpit::{
        action::Action,
        app::{App, Effect, scroll},
        catalog::Entry,
        entry::Purpose,
        views::View,
    },
    run::event::LogLevel,
};

/// Does what a key means here.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    app.sync_rollouts();
    match action {
        Action::FocusNext | Action::FocusPrevious => app.ui.rollouts.inside = !app.ui.rollouts.inside,
        Action::Open => app.ui.rollouts.inside = true,
        Action::Zoom => app.ui.zoom = !app.ui.zoom,
        Action::Filter => {
            let now = app.ui.rollouts.catalog.filter().to_string();
            app.type_line(Purpose::Filter, &now);
        }
        Action::Sort => app.ui.rollouts.order = app.ui.rollouts.order.next(),
        Action::Reverse => app.ui.rollouts.reversed = !app.ui.rollouts.reversed,
        Action::Schema => turn(app, Body::Schema),
        Action::Versus => turn(app, Body::Versus),
        Action::Tokens => app.ui.rollouts.tokens = !app.ui.rollouts.tokens,
        Action::Reweigh => app.ask_weights(),
        Action::TimeBefore => again(app, -1),
        Action::TimeAfter => again(app, 1),
        Action::NextMatch => next_match(app, true),
        Action::PreviousMatch => next_match(app, false),
        Action::ToCharts => app.show(View::Train),
        Action::PageDown | Action::PageUp if app.ui.rollouts.inside => scroll(&mut app.ui.detail_scroll, action, false),
        Action::Left | Action::Right => choose(app, action),
        _ if app.ui.rollouts.inside => choose(app, action),
        _ => walk(app, action),
    }
    None
}

/// Shows something below the heading, or the candidates again.
fn turn(app: &mut App, body: Body) {
    let place = &mut app.ui.rollouts;
    place.body = if place.body == body { Body::Candidates } else { body };
    place.inside = true;
    app.ui.detail_scroll = 0;
}

/// Moves in the list.
fn walk(app: &mut App, action: Action) {
    let (now, page) = (app.rollout_at(), app.ui.rollouts.page.max(1));
    let last = app.ui.rollouts.listed().len().saturating_sub(1);
    let to = match action {
        Action::Down => now + 1,
        Action::Up => now.saturating_sub(1),
        Action::PageDown => now + page,
        Action::PageUp => now.saturating_sub(page),
        Action::First => 0,
        Action::Last => last,
        _ => return,
    };
    let chosen = app.ui.rollouts.entry(to.min(last)).map(Entry::key);
    app.ui.show_sample(chosen);
}

/// Moves among the candidates.
fn choose(app: &mut App, action: Action) {
    let Some(key) = app.rollout_entry().map(Entry::key) else { return };
    let Some(group) = app.rollout(key) else { return };
    let (now, last) = (app.candidate_of(&group), group.candidates.len().saturating_sub(1));
    let to = match action {
        Action::Down | Action::Right => (now + 1).min(last),
        Action::Up | Action::Left => now.saturating_sub(1),
        Action::First => 0,
        Action::Last => last,
        _ => return,
    };
    // A person reading a candidate wants it to stay, even if newer questions come.
    app.ui.sample = Some(key);
    app.ui.candidate = Some(to);
    app.ui.detail_scroll = 0;
}

/// Goes to another time at which the same question was asked.
fn again(app: &mut App, by: isize) {
    let Some(entry) = app.rollout_entry() else { return };
    let (key, times) = (entry.key(), app.ui.rollouts.catalog.times(entry.question_id));
    let entries = app.ui.rollouts.catalog.entries();
    let keys: Vec<_> = times.iter().map(|at| entries[*at].key()).collect();
    let now = keys.iter().position(|known| *known == key);
    match now.and_then(|now| now.checked_add_signed(by)).and_then(|to| keys.get(to)) {
        Some(to) => app.ui.show_sample(Some(*to)),
        None if by < 0 => app.toast(LogLevel::Info, "the question was not asked before".into()),
        None => app.toast(LogLevel::Info, "the question was not asked again".into()),
    }
}

/// Goes to the next candidate that the filter finds, in this group or in the next of the list.
fn next_match(app: &mut App, forward: bool) {
    let Some(key) = app.rollout_entry().map(Entry::key) else { return };
    let Some(group) = app.rollout(key) else { return };
    let now = app.candidate_of(&group);
    let filter = app.ui.rollouts.catalog.filter().clone();
    let subject = app.ui.rollouts.catalog.subject(&group);
    let mut found = subject.found(&filter);
    let next = if forward { found.find(|at| *at > now) } else { found.filter(|at| *at < now).last() };
    if next.is_some() {
        (app.ui.sample, app.ui.candidate, app.ui.detail_scroll) = (Some(key), next, 0);
    } else {
        walk(app, if forward { Action::Down } else { Action::Up });
    }
}
