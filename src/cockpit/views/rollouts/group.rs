//! The chosen question: its candidates side by side, a result beside gold's, and what else can be shown of it.

use std::sync::Arc;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Margin, Rect},
    text::{Line, Span},
};

use super::{
    column::{self, Aside},
    compare,
    place::Body,
    rescore::ranks,
    tokens, versus,
};
use crate::{
    cockpit::{
        app::App,
        catalog::Entry,
        draw::{
            sample::{candidates, flatten, heading, list_rows, mark},
            sql, table,
            widgets::{empty, frame, put_spans, right, scrolled},
        },
        text,
    },
    run::event::GroupScored,
};

/// Columns that a candidate needs to stand beside others.
const COLUMN: usize = 32;
/// Rows from which candidates may stand below each other, too.
const SEVERAL: u16 = 16;
/// Between two candidates.
const GAP: usize = 3;
/// Rows from which the chosen one's result is shown below, and how many it gets.
const WITH_RESULT: u16 = 14;

/// Draws the chosen question.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let focused = app.ui.rollouts.inside || app.ui.zoom;
    let Some(entry) = app.rollout_entry().cloned() else {
        let inner = frame(app, "candidates", "", focused, area, buf);
        return empty(app, &["no question is chosen", "/ changes the filter"], inner, buf);
    };
    let Some(group) = app.rollout(entry.key()) else {
        let inner = frame(app, &title(app, &entry), "", focused, area, buf);
        return empty(app, &["the question is being read from the store"], inner, buf);
    };
    let chosen = app.candidate_of(&group);
    let remark = format!("candidate {}/{}", chosen + 1, group.candidates.len());
    let inner = frame(app, &title(app, &entry), &remark, focused, area, buf).inner(Margin::new(1, 0));
    let width = usize::from(inner.width);
    let mut top = heading(app, &group, inner);
    if inner.height >= 10 {
        top.push(flatten(versus::history(app, &entry, width)));
    }
    top.extend(weighed(app, width));
    if app.ui.rollouts.tokens && inner.height >= 10 {
        top.push(tokens::legend(app));
    }
    let [head, body] = Layout::vertical([Constraint::Length(top.len() as u16), Constraint::Min(0)]).areas(inner);
    scrolled(&top, 0, head, buf);
    app.ui.detail_scroll = match app.ui.rollouts.body {
        Body::Candidates => candidates_or_table(app, &group, chosen, body, buf),
        Body::Schema => scrolled_lines(app, schema(app, &group, width), body, area, buf),
        Body::Versus => {
            let lines = versus::lines(app, &entry, &group, width);
            scrolled_lines(app, lines, body, area, buf)
        }
    };
}

fn title(app: &App, entry: &Entry) -> String {
    let dot = app.symbols.dot;
    let db = app.symbols.cleaner().flat(&entry.db);
    format!("step {} {dot} question {} {dot} {db} {dot} #{}", entry.step, entry.group + 1, entry.question_id)
}

/// What other weights would make of the run.
fn weighed(app: &App, width: usize) -> Option<Line<'static>> {
    let ((summary, which), weights) = (app.reweighed_summary()?, app.ui.rollouts.weights.as_ref()?.text());
    let (to, dot) = (app.symbols.to, app.symbols.dot);
    let words = format!(
        "under {weights}: reward {:.3} {to} {:.3} {dot} dead {:.0}% {to} {:.0}% {dot} other winner {:.0}% ({which})",
        summary.mean[0],
        summary.mean[1],
        summary.dead[0] * 100.0,
        summary.dead[1] * 100.0,
        summary.other_winner * 100.0,
    );
    Some(flatten(Line::styled(text::fit(&words, width, app.symbols.ellipsis), app.theme.accent())))
}

/// Lines that are scrolled, with a note of how many more there are.
fn scrolled_lines(app: &App, lines: Vec<Line<'static>>, body: Rect, area: Rect, buf: &mut Buffer) -> usize {
    let lines: Vec<_> = lines.into_iter().map(flatten).collect();
    let scroll = scrolled(&lines, app.ui.detail_scroll, body, buf);
    more(app, lines.len().saturating_sub(scroll + usize::from(body.height)), area, buf);
    scroll
}

fn more(app: &App, hidden: usize, area: Rect, buf: &mut Buffer) {
    if hidden > 0 {
        right(buf, area, area.bottom() - 1, &format!(" pgdn {hidden} more lines "), app.theme.muted());
    }
}

fn schema(app: &App, group: &GroupScored, width: usize) -> Vec<Line<'static>> {
    let cleaner = app.symbols.cleaner();
    let Some(text) = app.run.schema(&group.db_id) else {
        let words = format!("the run does not tell the tables of {}", cleaner.flat(&group.db_id));
        return vec![Line::styled(words, app.theme.muted())];
    };
    let mut lines = Vec::new();
    for table in text.lines() {
        let mut quoted = false;
        let parts = text::wrap(&cleaner.line(table), width);
        lines.extend(parts.iter().map(|part| Line::from(sql::spans(part, &app.theme, &mut quoted))));
    }
    lines
}

/// As many candidates side by side as fit; where only one does, a table of them.
fn candidates_or_table(app: &App, group: &Arc<GroupScored>, chosen: usize, area: Rect, buf: &mut Buffer) -> usize {
    let count = ((usize::from(area.width) + GAP) / (COLUMN + GAP)).min(group.candidates.len());
    let result_rows = if area.height >= WITH_RESULT { (area.height / 3).clamp(5, 12) } else { 0 };
    let [top, bottom] = Layout::vertical([Constraint::Min(0), Constraint::Length(result_rows)]).areas(area);
    let below = results(app, group, chosen, usize::from(bottom.width));
    let scroll_below = if result_rows > 0 { scrolled(&below, app.ui.detail_scroll, bottom, buf) } else { 0 };
    let scroll = if count >= 2 {
        columns(app, group, chosen, count, top, buf)
    } else {
        table_and_one(app, group, chosen, top, buf)
    };
    let hidden = below.len().saturating_sub(scroll_below + usize::from(result_rows));
    if result_rows > 0 {
        more(app, hidden, Rect { height: area.height + 1, ..area }, buf);
    }
    scroll.max(scroll_below)
}

/// Candidates side by side; where the room is high enough for all lines of several rows of them, below each other too.
fn columns(app: &App, group: &GroupScored, chosen: usize, count: usize, area: Rect, buf: &mut Buffer) -> usize {
    let width = (usize::from(area.width) + GAP) / count - GAP;
    let candidates = group.candidates.len();
    let lines = |at: usize| column_lines(app, group, at, at == chosen, width);
    let tallest = (area.height >= SEVERAL).then(|| (0..candidates).map(|at| lines(at).len() + 1).max()).flatten();
    let rows = tallest.map_or(1, |tallest| (usize::from(area.height) / tallest).clamp(1, candidates.div_ceil(count)));
    let first = if rows == 1 {
        (chosen + 1).saturating_sub(count).min(candidates - count)
    } else {
        (chosen / count + 1).saturating_sub(rows) * count
    };
    let height = tallest.filter(|_| rows > 1).map_or(area.height, |tallest| tallest as u16);
    let mut reached = 0;
    for (place, at) in (first..candidates).take(count * rows).enumerate() {
        let (column, row) = (place % count, (place / count) as u16);
        let x = area.x + (column * (width + GAP)) as u16;
        let room = Rect { x, y: area.y + row * height, width: width as u16, height };
        reached = reached.max(scrolled(&lines(at), app.ui.detail_scroll, room, buf));
        if column > 0 {
            let bar = [Span::styled(app.symbols.column, app.theme.border(false))];
            (room.top()..room.bottom()).for_each(|y| {
                put_spans(buf, x - 2, y, x, &bar);
            });
        }
    }
    reached
}

/// The list of candidates, and the chosen one below it.
fn table_and_one(app: &App, group: &GroupScored, chosen: usize, area: Rect, buf: &mut Buffer) -> usize {
    let rows = list_rows(group.candidates.len(), area.height);
    let [list, one] = Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    candidates(app, group, chosen, list, buf);
    let lines = column_lines(app, group, chosen, true, usize::from(one.width));
    scrolled(&lines, app.ui.detail_scroll, one, buf)
}

fn column_lines(app: &App, group: &GroupScored, at: usize, chosen: bool, width: usize) -> Vec<Line<'static>> {
    let catalog = &app.ui.rollouts.catalog;
    let filter = (!catalog.filter().is_everything()).then(|| catalog.filter());
    let found = filter.map(|filter| catalog.subject(group).found(filter).any(|found| found == at));
    let reweighed = app.reweighed(group).and_then(|rewards| {
        let stored: Vec<f64> = group.candidates.iter().map(|candidate| candidate.reward).collect();
        let new: Vec<f64> = rewards.iter().map(|(reward, _)| *reward).collect();
        let (reward, advantage) = *rewards.get(at)?;
        Some((reward, advantage, [*ranks(&stored).get(at)?, *ranks(&new).get(at)?]))
    });
    let aside = Aside { chosen, found, reweighed };
    column::lines(app, group, at, aside, width).into_iter().map(flatten).collect()
}

/// The chosen candidate's result beside gold's, with the difference marked.
fn results(app: &App, group: &GroupScored, chosen: usize, width: usize) -> Vec<Line<'static>> {
    let Some(candidate) = group.candidates.get(chosen) else { return Vec::new() };
    let (sign, _, style) = mark(app, candidate);
    let (its_marks, gold_marks) = compare::rows(&candidate.result, &group.gold);
    let gap = Span::styled(format!(" {} ", app.symbols.column), app.theme.border(false));
    let half = width.saturating_sub(text::width(&gap.content)) / 2;
    let side = |words: String, style, result, marks: &[_], alone| {
        let mut lines = vec![Line::styled(text::fit(&words, half, app.symbols.ellipsis), style)];
        lines.extend(table::marked(app, result, Some((marks, alone)), half));
        lines
    };
    let its = format!("{sign} {}: {}", chosen + 1, table::headline(app, &candidate.result));
    let left = side(its, style, &candidate.result, &its_marks, "+");
    let gold = format!("gold: {}", table::headline(app, &group.gold));
    let right = side(gold, app.theme.muted(), &group.gold, &gold_marks, "-");
    let mut lines = vec![Line::styled(app.symbols.rule.repeat(width), app.theme.border(false))];
    lines.extend(table::beside(left, right, half, &gap));
    lines.into_iter().map(flatten).collect()
}
