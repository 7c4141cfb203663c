//! The alarms, one a line; or what is watched, where there is none.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
};

use super::Row;
use crate::{
    cockpit::{
        app::App,
        draw::widgets::{frame, put},
        figures::plain,
        text,
    },
    run::event::{Cost, CostOf, Severity},
    settings::{Detector, Settings, docs},
};

/// A word and a colour for how bad something is.
pub(super) fn sign(app: &App, row: &Row<'_>) -> (&'static str, Style) {
    match (row.until, row.alarm.severity) {
        (Some(_), _) => ("over", app.theme.muted()),
        (None, Severity::Critical) => ("!! critical", app.theme.bad()),
        (None, Severity::Warning) => ("! warning", app.theme.warn()),
        (None, Severity::Notice) => ("- notice", app.theme.accent()),
    }
}

/// What a detector looks for, by its name.
pub(super) fn title(name: &str) -> String {
    let known = Detector::ALL.into_iter().find(|detector| detector.name() == name);
    known.map_or_else(|| name.replace('_', " "), |detector| detector.title().to_owned())
}

/// A cost in words.
pub(super) fn cost(cost: Cost) -> String {
    let of = match cost.of {
        CostOf::Rollouts => "rollouts",
        CostOf::Time => "time",
        CostOf::Updates => "updates",
    };
    format!("{:.0}% of {of}", cost.share * 100.0)
}

/// Draws the list.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let (rows, place) = (super::rows(app), &app.ui.doctor);
    let active = app.run.notices().active().len();
    let remark = if active == 0 { "nothing is wrong now".to_owned() } else { format!("{active} active") };
    let inner = frame(app, "doctor", &remark, !place.inside, area, buf).inner(Margin::new(1, 0));
    let height = usize::from(inner.height);
    let from = (place.alarm + 1).saturating_sub(height);
    for (line, (at, row)) in rows.iter().enumerate().skip(from).take(height).enumerate() {
        let y = inner.y + line as u16;
        let mark = if at == place.alarm { app.symbols.cursor } else { " " };
        let (word, style) = sign(app, row);
        let until = row.until.map_or_else(String::new, |until| format!("-{until}"));
        let columns = [(11, word.to_owned(), style), (26, title(&row.alarm.detector), app.theme.text())];
        let mut x = put(buf, inner.x, y, inner.right(), &format!("{mark} "), app.theme.accent());
        for (width, words, style) in columns {
            let words = text::pad(&app.symbols.cleaner().flat(&words), width, app.symbols.ellipsis);
            x = put(buf, x, y, inner.right(), &format!("{words} "), style);
        }
        let since = format!("since {}{until}", row.alarm.since);
        let sure = format!("{:.0}% sure", row.alarm.confidence * 100.0);
        let costs = row.alarm.cost.map_or_else(String::new, cost);
        let rest = format!("{since:<16} {sure:<10} {costs:<16} ");
        x = put(buf, x, y, inner.right(), &rest, app.theme.muted());
        let what = app.symbols.cleaner().flat(&row.alarm.what);
        let room = usize::from(inner.right().saturating_sub(x));
        put(buf, x, y, inner.right(), &text::fit(&what, room, app.symbols.ellipsis), app.theme.text());
    }
}

/// Draws what is watched while nothing was ever wrong.
pub(super) fn watched(app: &App, area: Rect, buf: &mut Buffer) {
    let settings = app.run.info().and_then(|info| serde_json::from_value::<Settings>(info.settings.clone()).ok());
    let doctor = settings.unwrap_or_default().doctor;
    let on = Detector::ALL.into_iter().filter(|detector| doctor.threshold(*detector).is_some()).count();
    let remark = format!("{on} of {} detectors watch", Detector::ALL.len());
    let inner = frame(app, "doctor", &remark, true, area, buf).inner(Margin::new(1, 0));
    let words = "All is well: nothing was found wrong with this run. Watched, with thresholds (settings `doctor`):";
    let mut y = inner.y;
    for line in text::wrap(words, usize::from(inner.width)) {
        put(buf, inner.x, y, inner.right(), &line, app.theme.text());
        y += 1;
    }
    // With what is measured where all fit below each other; else two columns where there is room.
    let is_long = usize::from(inner.bottom() - y) >= Detector::ALL.len();
    let columns = if inner.width >= 90 && !is_long { 2 } else { 1 };
    let per = Detector::ALL.len().div_ceil(columns);
    for (at, detector) in Detector::ALL.into_iter().enumerate() {
        let (x, row) = (inner.x + (at / per) as u16 * (inner.width / columns as u16), y + (at % per) as u16);
        if row >= inner.bottom() {
            continue;
        }
        let (sign, style, threshold) = match doctor.threshold(detector) {
            Some(threshold) => (app.symbols.right, app.theme.good(), plain(threshold)),
            None => ("-", app.theme.muted(), "off".into()),
        };
        let next = put(buf, x, row, inner.right(), &format!("{sign} "), style);
        let words = text::pad(detector.title(), 28, app.symbols.ellipsis);
        let next = put(buf, next, row, inner.right(), &words, app.theme.text());
        let next = put(buf, next, row, inner.right(), &text::pad(&threshold, 8, ""), app.theme.muted());
        let measured = docs::doc(&format!("doctor.{}", detector.name())).filter(|_| is_long).unwrap_or_default();
        let room = usize::from(inner.right().saturating_sub(next));
        put(buf, next, row, inner.right(), &text::fit(measured, room, app.symbols.ellipsis), app.theme.muted());
    }
}
