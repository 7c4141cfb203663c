//! The doctor view: alarms, what they cost, and what helps.
//!
//! ```text
//! ├ alarms ──────────────────────────────────┤
//! ├ what is wrong, remedies ─────────────────┤
//! ```

mod detail;
mod list;
#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use crate::{
    cockpit::{
        action::Action,
        app::{App, Effect},
    },
    run::event::{Alarm, LogLevel},
};

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The marked alarm, counted from the top.
    alarm: usize,
    /// The marked remedy of it.
    remedy: usize,
    /// Whether remedies are moved among rather than alarms.
    inside: bool,
}

/// An alarm of the list, with the step at which it was over.
struct Row<'a> {
    alarm: &'a Alarm,
    until: Option<u64>,
}

/// What is so now, the worst first, then what is over, the newest first.
fn rows(app: &App) -> Vec<Row<'_>> {
    let notices = app.run.notices();
    let active = notices.active().iter().map(|alarm| Row { alarm, until: None });
    let past = notices.past().iter().rev().map(|past| Row { alarm: &past.alarm, until: Some(past.until) });
    active.chain(past).collect()
}

/// Draws the view.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let count = rows(app).len();
    let place = &mut app.ui.doctor;
    place.alarm = place.alarm.min(count.saturating_sub(1));
    if count == 0 {
        return list::watched(app, area, buf);
    }
    let top = (count as u16 + 3).clamp(4, (area.height / 2).max(4));
    let [upper, lower] = Layout::vertical([Constraint::Length(top), Constraint::Min(0)]).areas(area);
    list::render(app, upper, buf);
    if lower.height > 2 {
        detail::render(app, lower, buf);
    }
}

/// Does what a key means here.
pub fn act(app: &mut App, action: Action) -> Option<Effect> {
    let (count, remedies) = (rows(app).len(), remedies(app));
    let place = &mut app.ui.doctor;
    match action {
        Action::FocusNext | Action::FocusPrevious => place.inside = !place.inside && count > 0,
        Action::Apply if place.inside => apply(app),
        Action::Apply => place.inside = count > 0,
        Action::Left => place.inside = false,
        _ if place.inside => move_to(&mut place.remedy, action, remedies),
        _ => {
            move_to(&mut place.alarm, action, count);
            place.remedy = 0;
        }
    }
    None
}

fn remedies(app: &App) -> usize {
    rows(app).get(app.ui.doctor.alarm).map_or(0, |row| row.alarm.remedies.len())
}

/// Moves a place among so many.
pub(super) fn move_to(place: &mut usize, action: Action, count: usize) {
    let last = count.saturating_sub(1);
    *place = match action {
        Action::Down => (*place + 1).min(last),
        Action::Up => place.saturating_sub(1),
        Action::PageDown => (*place + 10).min(last),
        Action::PageUp => place.saturating_sub(10),
        Action::First => 0,
        Action::Last => last,
        _ => (*place).min(last),
    };
}

/// Offers the marked remedy where it is a setting; it is typed over, looked at, and taken with enter.
fn apply(app: &mut App) {
    let rows = rows(app);
    let remedy = rows.get(app.ui.doctor.alarm).and_then(|row| row.alarm.remedies.get(app.ui.doctor.remedy)).cloned();
    match remedy.map(|remedy| remedy.set) {
        Some(Some(set)) => super::controls::propose(app, &set.key, &set.value),
        Some(None) => app.toast(LogLevel::Info, "this is advice: there is no setting to change while it trains".into()),
        None => {}
    }
}
