//! One candidate in a column.

use ratatui::text::{Line, Span};

use super::tokens;
use crate::{
    cockpit::{
        app::App,
        draw::{sample::mark, sql, table, widgets::gauge},
        figures, text,
    },
    run::event::{Candidate, GroupScored},
};

/// What is said of a candidate besides itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aside {
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether the filter finds it; `None` where it finds everything.
    pub found: Option<bool>,
    /// Reward and advantage under other weights, and the ranks before and after.
    pub reweighed: Option<(f64, f64, [usize; 2])>,
}

/// All lines of a candidate.
pub fn lines(app: &App, group: &GroupScored, at: usize, aside: Aside, width: usize) -> Vec<Line<'static>> {
    let Some(candidate) = group.candidates.get(at) else { return Vec::new() };
    let mut lines = vec![head(app, candidate, at, aside), outcome(app, candidate, width)];
    lines.extend(candidate.components.iter().map(|(name, value)| part(app, name, *value, width)));
    lines.extend(aside.reweighed.map(|found| reweighed(app, found, width)));
    lines.push(Line::styled(app.symbols.rule.repeat(width), app.theme.border(aside.chosen)));
    lines.extend(written(app, candidate, width));
    lines
}

fn head(app: &App, candidate: &Candidate, at: usize, aside: Aside) -> Line<'static> {
    let theme = &app.theme;
    let cursor = if aside.chosen { app.symbols.cursor } else { " " };
    let (sign, _, style) = mark(app, candidate);
    let advantage = if candidate.advantage > 0.0 { theme.good() } else { theme.text() };
    let found = match aside.found {
        Some(true) => "* ",
        Some(false) | None => "",
    };
    Line::from(vec![
        Span::styled(format!("{cursor} {} ", at + 1), if aside.chosen { theme.accent() } else { theme.muted() }),
        Span::styled(found, theme.accent()),
        Span::styled(format!("{sign} "), style),
        Span::styled(format!("{:.3}", candidate.reward), theme.strong()),
        Span::styled(format!("  adv {:+.2}", candidate.advantage), advantage),
    ])
}

/// What came of it, and how it ended.
fn outcome(app: &App, candidate: &Candidate, width: usize) -> Line<'static> {
    let (_, word, style) = mark(app, candidate);
    let came = if word.is_empty() { table::headline(app, &candidate.result) } else { word.to_owned() };
    let ended = if candidate.finished { "finished" } else { "cut off" };
    let tokens = format!(" {} {} tokens, {ended}", app.symbols.dot, candidate.tokens);
    let came = text::fit(&came, width.saturating_sub(text::width(&tokens)), app.symbols.ellipsis);
    let how = if candidate.finished { app.theme.muted() } else { app.theme.warn() };
    Line::from(vec![Span::styled(came, style), Span::styled(tokens, how)])
}

/// A component of the reward as a bar; what costs something has a sign before its figure.
fn part(app: &App, name: &str, value: f64, width: usize) -> Line<'static> {
    const NAME: usize = 11;
    let columns = width.saturating_sub(NAME + 8).clamp(2, 12);
    let [full, rest] = gauge(app, value.abs(), columns);
    let name = text::pad(&app.symbols.cleaner().flat(name), NAME, app.symbols.ellipsis);
    let figure = Span::styled(format!(" {}", figures::short(value)), app.theme.text());
    Line::from(vec![Span::styled(name, app.theme.muted()), full, rest, figure])
}

fn reweighed(app: &App, (reward, advantage, [before, now]): (f64, f64, [usize; 2]), width: usize) -> Line<'static> {
    let rank = if before == now { format!("rank {now}") } else { format!("rank {before}{}{now}", app.symbols.to) };
    let words = format!("would be {reward:.3}  adv {advantage:+.2}  {rank}");
    let style = if before == now { app.theme.muted() } else { app.theme.accent() };
    Line::styled(text::fit(&words, width, app.symbols.ellipsis), style)
}

/// The reply by tokens, or its SQL, or where there is none, the reply.
fn written(app: &App, candidate: &Candidate, width: usize) -> Vec<Line<'static>> {
    let cleaner = app.symbols.cleaner();
    if app.ui.rollouts.tokens {
        return tokens::lines(app, candidate, width);
    }
    if candidate.sql.is_empty() {
        let mut lines = vec![Line::styled("no SQL in the reply:", app.theme.bad())];
        let parts = text::wrap(&cleaner.flat(&candidate.text), width);
        lines.extend(parts.into_iter().map(|part| Line::styled(part, app.theme.text())));
        return lines;
    }
    let mut quoted = false;
    let parts = text::wrap(&cleaner.flat(&candidate.sql), width);
    parts.iter().map(|part| Line::from(sql::spans(part, &app.theme, &mut quoted))).collect()
}
