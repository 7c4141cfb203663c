//! The first rows: what runs on what, its state, how far it is, and what to do once it has ended.

use std::path::Path;

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Span};

use super::widgets::{gauge, put, put_spans};
use crate::{
    cockpit::{app::App, figures, state::Absence, text},
    run::event::{EndReason, Phase, RunEnded, RunStarted, RunState},
};

/// Rows that the header needs.
pub fn rows(app: &App, area: Rect) -> u16 {
    let over = app.run.ended().is_some() || app.run.is_lost();
    if over && area.height >= 20 { 3 } else { 2 }
}

/// Draws the header.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    identity(app, area, buf);
    match app.run.ended() {
        _ if app.arrival().is_some() => progress(app, area, buf),
        Some(ended) => end(app, ended, area, buf),
        None if app.run.is_lost() => lost(app, area, buf),
        None => progress(app, area, buf),
    }
}

/// The state with a sign and a style. What was asked for and is not acknowledged yet is said so.
pub(super) fn state(app: &App) -> (String, Style) {
    let (symbols, theme) = (&app.symbols, &app.theme);
    let ellipsis = symbols.ellipsis;
    match app.run.absence() {
        Some(Absence::Gone) => return (format!("{} trainer gone", symbols.wrong), theme.bad()),
        Some(Absence::NotRunning) => return (format!("{} not running", symbols.paused), theme.warn()),
        None => {}
    }
    let turning = |word: &str| (format!("{} {word}{ellipsis}", symbols.turning), theme.warn());
    match (app.asked(), app.run.state()) {
        (Some(RunState::Pausing), RunState::Running | RunState::Loading) => turning("pause asked"),
        (Some(RunState::Running), RunState::Paused | RunState::Pausing) => turning("resume asked"),
        (Some(RunState::Stopping), state) if state != RunState::Ended => turning("stopping"),
        (_, RunState::Loading) => turning("loading"),
        (_, RunState::Running) => (format!("{} running", symbols.running), theme.good()),
        (_, RunState::Pausing) => turning("pausing"),
        (_, RunState::Paused) => (format!("{} paused", symbols.paused), theme.warn()),
        (_, RunState::Stopping) => turning("stopping"),
        (_, RunState::Ended) => match app.run.ended().map(|ended| ended.reason) {
            Some(EndReason::Failed) => (format!("{} failed", symbols.wrong), theme.bad()),
            Some(EndReason::EarlyStopped) => (format!("{} ended early", symbols.right), theme.good()),
            Some(EndReason::Completed) => (format!("{} completed", symbols.right), theme.good()),
            _ => (format!("{} stopped", symbols.paused), theme.warn()),
        },
    }
}

/// Badge and run on the left, state on the right, and between them what fits.
fn identity(app: &App, area: Rect, buf: &mut Buffer) {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let (word, style) = state(app);
    let right = area.right().saturating_sub(text::width(&word) as u16 + 1);
    put(buf, right, area.y, area.right(), &word, style.patch(theme.value()));
    let end = viewers(app, area, right.saturating_sub(2), buf);
    let badge = if app.tape().is_some() { " replay " } else { " sqlr1-tui " };
    let mut x = put(buf, area.x, area.y, end, badge, theme.badge()) + 1;
    let Some(info) = app.run.info() else { return };
    x = put(buf, x, area.y, end, &text::fit(&cleaner.line(&info.name), 32, app.symbols.ellipsis), theme.strong());
    let model = &info.model;
    let data =
        Path::new(&info.data.root).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let stage = info.settings["run"]["stage"].as_str().map_or_else(String::new, |stage| format!("stage {stage}"));
    let facts = [
        stage,
        model.name.clone(),
        info.device.clone(),
        format!("{data} {}+{}", info.data.train, info.data.dev),
        format!("{} params, {} trained", figures::count(model.parameters), figures::count(model.trainable_parameters)),
        model.formats.clone(),
    ];
    for fact in facts.iter().filter(|fact| !fact.is_empty()) {
        let fact = format!(" {} {}", app.symbols.dot, cleaner.line(fact));
        if x + text::width(&fact) as u16 > end {
            break;
        }
        x = put(buf, x, area.y, end, &fact, theme.muted());
    }
}

/// How many look on and who steers, where that is not just this person; gives the column where it begins.
fn viewers(app: &App, area: Rect, end: u16, buf: &mut Buffer) -> u16 {
    let Some(presence) = app.presence().filter(|presence| presence.viewers > 1 || !presence.mine) else { return end };
    let who = match &presence.control {
        _ if presence.mine => "you steer".to_owned(),
        // The terminal's name: what it says of its process takes more room than it is worth here.
        Some(name) => format!("{} steers", name.split(" (").next().unwrap_or(name)),
        None => "nobody steers".to_owned(),
    };
    let many = if presence.viewers == 1 { "1 viewer".to_owned() } else { format!("{} viewers", presence.viewers) };
    let words = app.symbols.cleaner().line(&format!("{many}, {who}")).into_owned();
    let words = text::fit(&words, usize::from(area.width / 2), app.symbols.ellipsis);
    let left = end.saturating_sub(text::width(&words) as u16);
    put(buf, left, area.y, end, &words, if presence.mine { app.theme.muted() } else { app.theme.warn() });
    left.saturating_sub(2)
}

/// Step n of max with a gauge, the phase with a gauge, elapsed time and what is left.
fn progress(app: &App, area: Rect, buf: &mut Buffer) {
    let (theme, y) = (&app.theme, area.y + 1);
    if area.height < 2 {
        return;
    }
    let mut times = vec![Span::styled(figures::duration(app.run.elapsed()), theme.muted())];
    if let Some(eta) = app.run.eta() {
        times.push(Span::styled(format!(" {} ETA ", app.symbols.dot), theme.muted()));
        times.push(Span::styled(figures::duration(eta), theme.strong()));
    }
    let width: usize = times.iter().map(|span| text::width(&span.content)).sum();
    let right = area.right().saturating_sub(width as u16 + 1);
    put_spans(buf, right, y, area.right(), &times);
    let end = right.saturating_sub(2);
    let wide = area.width >= 100;
    let max = app.run.max_steps().unwrap_or(0);
    let mut x = put(buf, area.x + 1, y, end, "step ", theme.muted());
    x = put(buf, x, y, end, &format!("{}", app.run.step()), theme.strong());
    x = put(buf, x, y, end, &if max > 0 { format!("/{max}") } else { String::new() }, theme.muted());
    if wide && max > 0 {
        x = put(buf, x, y, end, " ", theme.muted());
        x = put_spans(buf, x, y, end, &gauge(app, app.run.step() as f64 / max as f64, usize::from(area.width / 8)));
    }
    x = put(buf, x, y, end, &format!(" {} ", app.symbols.dot), theme.muted());
    phase(app, x, y, end, buf);
}

/// What a phase is called, what it works on and in which units it counts.
pub(super) fn phase_words(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Loading => ("loading", ""),
        Phase::Rollout => ("rollout", "tokens"),
        Phase::Scoring => ("scoring", "questions"),
        Phase::Update => ("update", "groups"),
        Phase::Evaluation => ("evaluation", "questions"),
        Phase::Checkpoint => ("checkpoint", ""),
    }
}

fn phase(app: &App, x: u16, y: u16, end: u16, buf: &mut Buffer) {
    let theme = &app.theme;
    if let Some(share) = app.arrival().filter(|_| app.tape().is_none()) {
        let x = put(buf, x, y, end, "reading the run ", theme.accent());
        let x = put_spans(buf, x, y, end, &gauge(app, share, 12));
        put(buf, x, y, end, &format!(" {:.0}%", share * 100.0), theme.muted());
        return;
    }
    let Some(progress) = app.run.progress() else {
        let idle = if app.run.state() == RunState::Paused { "space goes on" } else { "between steps" };
        put(buf, x, y, end, idle, theme.muted());
        return;
    };
    let (word, unit) = phase_words(progress.phase);
    let x = put(buf, x, y, end, &format!("{word} "), theme.accent());
    if progress.total == 0 {
        return;
    }
    let share = progress.done as f64 / progress.total as f64;
    let count = match progress.phase {
        Phase::Loading => format!(" {:.0}%", share * 100.0),
        _ => format!(" {}/{} {unit}", figures::count(progress.done), figures::count(progress.total)),
    };
    let room = usize::from(end.saturating_sub(x)).saturating_sub(text::width(&count));
    let columns = room.min(if end > 90 { 24 } else { 12 });
    let x = if columns >= 4 { put_spans(buf, x, y, end, &gauge(app, share, columns)) } else { x };
    put(buf, x, y, end, &count, theme.muted());
}

/// How the run ended and what next.
fn end(app: &App, ended: &RunEnded, area: Rect, buf: &mut Buffer) {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let (words, style) = match ended.reason {
        EndReason::Completed => ("all steps are done", theme.good()),
        EndReason::EarlyStopped => ("ended early: no better accuracy", theme.good()),
        EndReason::Stopped => ("stopped on request", theme.warn()),
        EndReason::Signal => ("stopped by a signal", theme.warn()),
        EndReason::Failed => ("the run failed", theme.bad()),
    };
    let mut parts = vec![words.to_owned(), format!("step {}", ended.step), figures::duration(app.run.elapsed())];
    parts.extend(ended.message.as_ref().map(|message| cleaner.flat(message)));
    let checkpoint = ended.offered().map(|path| app.run.in_run_dir(path).display().to_string());
    parts.extend(checkpoint.map(|path| format!("checkpoint {}", cleaner.line(&path))));
    let text = parts.join(&format!(" {} ", app.symbols.dot));
    closing(app, &text, style, area, buf);
}

fn lost(app: &App, area: Rect, buf: &mut Buffer) {
    let safe = match app.run.checkpoints().last() {
        Some(saved) => format!("the checkpoint of step {} is safe", saved.step),
        None => "there is no checkpoint yet".to_owned(),
    };
    let (words, style) = match app.run.absence() {
        Some(Absence::NotRunning) => ("no trainer is at work; it was left at", app.theme.warn()),
        _ => ("the trainer is gone since", app.theme.bad()),
    };
    closing(app, &format!("{words} step {}; {safe}", app.run.step()), style, area, buf);
}

fn closing(app: &App, text: &str, style: Style, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width).saturating_sub(2);
    if area.height > 1 {
        put(buf, area.x + 1, area.y + 1, area.right(), &text::fit(text, room, app.symbols.ellipsis), style);
    }
    if area.height > 2 {
        let (command, folder) = app.run.info().map_or(("train", Path::new(".")), RunStarted::taken_up_by);
        let folder = app.place.folder.as_ref().and_then(|here| folder.strip_prefix(here).ok()).unwrap_or(folder);
        let folder = app.symbols.cleaner().line(&folder.display().to_string()).into_owned();
        let next = format!(
            "next: x writes the curves {0} q leaves {0} {command} --resume --run-dir {folder} goes on from the checkpoint",
            app.symbols.dot,
        );
        put(
            buf,
            area.x + 1,
            area.y + 2,
            area.right(),
            &text::fit(&next, room, app.symbols.ellipsis),
            app.theme.muted(),
        );
    }
}
