//! What a completed run has brought, and what to try next.

use std::path::Path;

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::widgets::{frame, middle, scrolled};
use crate::{
    cockpit::{app::App, figures, text},
    run::{
        event::{EvalDone, RunEnded, RunStarted},
        metrics,
    },
};

/// Steps at each end of the run whose mean reward is told.
const ENDS: usize = 10;
/// Columns of the words on the left.
const TERM: usize = 12;

/// Draws the card over the screen.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let room = middle(area, 92, 18);
    let lines = lines(app, usize::from(room.width).saturating_sub(4));
    let room = middle(area, 92, (lines.len() as u16).saturating_add(2));
    Clear.render(room, buf);
    buf.set_style(room, app.theme.screen());
    let inner = frame(app, "the run is complete", "esc closes", true, room, buf).inner(Margin::new(1, 0));
    scrolled(&lines, 0, inner, buf);
}

fn lines(app: &App, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    let mut row = |term: &str, said: &str, style| {
        for (at, part) in text::wrap(said, width.saturating_sub(TERM)).into_iter().enumerate() {
            let term = text::pad(if at == 0 { term } else { "" }, TERM, "");
            lines.push(Line::from(vec![Span::styled(term, theme.accent()), Span::styled(part, style)]));
        }
    };
    let folder = folder(app);
    row("trained", &trained(app), theme.strong());
    for (term, said) in [("held out", held_out(app)), ("reward", reward(app))] {
        if let Some(said) = said {
            row(term, &said, theme.strong());
        }
    }
    row("curves", &format!("{folder}/exports/curves.png; x writes them anew"), theme.text());
    if let Some(best) = app.run.ended().and_then(|ended| ended.best.as_ref()) {
        row("best", &format!("{:.1}% at step {}", best.execution_accuracy * 100.0, best.step), theme.strong());
    }
    if let Some(checkpoint) = app.run.ended().and_then(RunEnded::offered) {
        let path = app.run.in_run_dir(checkpoint).display().to_string();
        row("adapter", &format!("{folder}/{}, in PEFT's format", app.symbols.cleaner().line(&path)), theme.text());
    }
    if let Some((stage, of)) = stage(app) {
        row(
            "stages",
            &format!("this was stage {stage} of {of}; the next one trains: q, or sqlr1-tui attach, leads on to it"),
            theme.strong(),
        );
    }
    row("", " ", theme.muted());
    row("next", "look around: tab and j k go through the samples and charts, [ ] through the steps", theme.muted());
    row(
        "your model",
        "sqlr1-tui train --model FILE.gguf --data DIR (scripts/get-smollm2 fetches one of 98 MB)",
        theme.text(),
    );
    row("your data", "DIR has Spider's layout: train_spider.json, dev.json, database/NAME/NAME.sqlite", theme.text());
    let more = app.run.step() * 2;
    let (command, taken_up) = app.run.info().map_or(("train", Path::new(".")), RunStarted::taken_up_by);
    let taken_up = shown(app, taken_up);
    row("go on", &format!("sqlr1-tui {command} --resume --run-dir {taken_up} --max-steps {more}"), theme.text());
    lines
}

/// The run folder as a person in the working folder would write it.
fn folder(app: &App) -> String {
    shown(app, app.run.info().map_or(Path::new("."), |info| info.run_dir.as_path()))
}

fn shown(app: &App, folder: &Path) -> String {
    let folder = app.place.folder.as_ref().and_then(|here| folder.strip_prefix(here).ok()).unwrap_or(folder);
    app.symbols.cleaner().line(&folder.display().to_string()).into_owned()
}

fn trained(app: &App) -> String {
    format!("{} steps in {}", app.run.step(), figures::duration(app.run.elapsed()))
}

/// Which stage of how many it was, if another follows.
fn stage(app: &App) -> Option<(u64, u64)> {
    let (stage, of) = app.run.info()?.settings["run"]["stage"].as_str()?.split_once('/')?;
    let (stage, of) = (stage.parse().ok()?, of.parse().ok()?);
    (stage < of).then_some((stage, of))
}

/// First and last evaluation.
fn held_out(app: &App) -> Option<String> {
    let share = |eval: &EvalDone| format!("{:.1}%", eval.execution_accuracy * 100.0);
    let (first, last) = (app.run.evals().first()?, app.run.evals().last()?);
    let [low, high] = last.wilson.map(|bound| bound * 100.0);
    let last = format!("{} of {} questions (95% interval {low:.0} to {high:.0}%)", share(last), last.n);
    Some(if first.step == 0 { format!("accuracy {} before, now {last}", share(first)) } else { last })
}

/// Mean reward of the first and the last steps.
fn reward(app: &App) -> Option<String> {
    let values: Vec<f64> = app.run.series(metrics::REWARD)?.points().iter().map(|(_, value)| *value).collect();
    let ends = ENDS.min(values.len() / 2);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    (ends > 0).then(|| {
        let (first, last) = (mean(&values[..ends]), mean(&values[values.len() - ends..]));
        format!("{first:.3} in the first {ends} steps, {last:.3} in the last")
    })
}
