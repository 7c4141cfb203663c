//! The sample pane: a question, its gold query, the candidates, and one of them in detail.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Margin, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    sql, table,
    widgets::{empty, frame, put, put_spans, right, scrolled},
};
use crate::{
    cockpit::{app::App, figures, panes::Pane, text},
    run::event::{Candidate, EarlierTurn, GroupScored, RunState},
};

/// Draws the pane; gives the scroll position of the detail brought back within bounds.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> usize {
    let focused = app.ui.focus == Pane::Sample;
    let Some((group, at)) = app.sample() else {
        let inner = frame(app, "sample", "", focused, area, buf);
        if let Some((step, _)) = app.ui.sample.filter(|key| app.is_stored(*key)) {
            let words = if app.lacks(step) {
                format!("the store has no question of step {step}")
            } else {
                format!("the questions of step {step} are being read from the store")
            };
            empty(app, &[&words, "esc follows the newest"], inner, buf);
            return 0;
        }
        let hint = if app.run.state() == RunState::Loading && app.run.is_live() {
            "model and data are being read"
        } else {
            "candidates come when the first step is scored"
        };
        empty(app, &["no sample yet", hint], inner, buf);
        return 0;
    };
    let place = match (app.ui.sample, at) {
        (_, None) => "stored, esc follows".to_owned(),
        (None, Some(at)) => format!("{}/{} newest", at + 1, app.run.samples().len()),
        (Some(_), Some(at)) => format!("{}/{}, esc follows", at + 1, app.run.samples().len()),
    };
    let inner = frame(app, &title(app, &group), &place, focused, area, buf).inner(Margin::new(1, 0));
    let top = heading(app, &group, inner);
    let top_rows = top.len() as u16;
    let list_rows = list_rows(group.candidates.len(), inner.height.saturating_sub(top_rows));
    let [head, list, detail] =
        Layout::vertical([Constraint::Length(top_rows), Constraint::Length(list_rows), Constraint::Min(0)])
            .areas(inner);
    scrolled(&top, 0, head, buf);
    let chosen = app.candidate_of(&group);
    candidates(app, &group, chosen, list, buf);
    let Some(candidate) = group.candidates.get(chosen) else { return 0 };
    let width = usize::from(detail.width);
    let lines = if detail.height < 4 {
        vec![rule(app, candidate, chosen, width), in_short(app, candidate, width)]
    } else {
        details(app, &group, candidate, chosen, width)
    };
    let scroll = scrolled(&lines, app.ui.detail_scroll, detail, buf);
    let hidden = lines.len().saturating_sub(scroll + usize::from(detail.height));
    if hidden > 0 && detail.height >= 4 {
        right(buf, area, area.bottom() - 1, &format!(" pgdn {hidden} more lines "), app.theme.muted());
    }
    scroll
}

fn title(app: &App, group: &GroupScored) -> String {
    let dot = app.symbols.dot;
    let of = app.groups_of(group.step).len().max(group.group + 1);
    let db = app.symbols.cleaner().flat(&group.db_id);
    format!(
        "sample {dot} step {} {dot} question {}/{of} {dot} {db} {dot} #{}",
        group.step,
        group.group + 1,
        group.question_id
    )
}

/// Question and gold query, each in one line or, where there is room, in as many as they need.
pub fn heading(app: &App, group: &GroupScored, area: Rect) -> Vec<Line<'static>> {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let room = usize::from(area.width).saturating_sub(6);
    let most = match area.height {
        0..14 => 1,
        14..24 => 2,
        _ => 3,
    };
    let cut = |text: String| -> Vec<String> {
        let mut parts = text::wrap(&text, room);
        if parts.len() > most {
            // The last line that is shown runs into what is left out, and is cut there.
            let rest = parts.split_off(most - 1).join(" ");
            parts.push(text::fit(&rest, room, app.symbols.ellipsis));
        }
        parts
    };
    let mut lines = Vec::new();
    let label =
        |word: &'static str, first: bool| Span::styled(text::pad(if first { word } else { "" }, 6, ""), theme.muted());
    for (at, part) in cut(cleaner.flat(&group.question)).into_iter().enumerate() {
        lines.push(Line::from(vec![label("asks", at == 0), Span::styled(part, theme.strong())]));
    }
    let mut quoted = false;
    for (at, part) in cut(cleaner.flat(&group.gold_sql)).into_iter().enumerate() {
        let mut spans = vec![label("gold", at == 0)];
        spans.extend(sql::spans(&part, theme, &mut quoted));
        lines.push(Line::from(spans));
    }
    lines
}

/// Rows for the list: all candidates and a heading if half of the room will do, at least three otherwise.
pub fn list_rows(candidates: usize, room: u16) -> u16 {
    let wanted = candidates as u16 + 1;
    if room >= wanted + 5 { wanted } else { (room / 2).max(room.min(3)).min(wanted) }
}

pub fn candidates(app: &App, group: &GroupScored, chosen: usize, area: Rect, buf: &mut Buffer) {
    let mut rows = area.height;
    let mut y = area.y;
    if usize::from(rows) > group.candidates.len() {
        put(buf, area.x, y, area.right(), "  #     reward     adv  tok  outcome        sql", app.theme.muted());
        rows -= 1;
        y += 1;
    }
    let first =
        chosen.saturating_sub(usize::from(rows / 2)).min(group.candidates.len().saturating_sub(usize::from(rows)));
    for (at, candidate) in group.candidates.iter().enumerate().skip(first).take(usize::from(rows)) {
        let spans = candidate_row(app, candidate, at, at == chosen, usize::from(area.width));
        put_spans(buf, area.x, y, area.right(), &spans);
        if at == chosen {
            buf.set_style(Rect::new(area.x, y, area.width, 1), app.theme.selection());
        }
        y += 1;
    }
}

/// Whether a candidate is right, as a sign and a word, so that no colour is needed.
pub fn mark(app: &App, candidate: &Candidate) -> (&'static str, &'static str, Style) {
    if candidate.correct {
        (app.symbols.right, "correct", app.theme.good())
    } else if candidate.result.outcome == "rows" {
        (app.symbols.wrong, "other rows", app.theme.warn())
    } else {
        (app.symbols.wrong, "", app.theme.bad())
    }
}

fn candidate_row(app: &App, candidate: &Candidate, at: usize, chosen: bool, width: usize) -> Vec<Span<'static>> {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let (sign, word, style) = mark(app, candidate);
    let outcome = if word.is_empty() { table::headline(app, &candidate.result) } else { word.to_owned() };
    let cursor = if chosen { app.symbols.cursor } else { " " };
    let cut_off = if candidate.finished { " " } else { "+" };
    let sql = if candidate.sql.is_empty() { &candidate.text } else { &candidate.sql };
    let mut spans = vec![
        Span::styled(format!("{cursor} {:<2} ", at + 1), theme.muted()),
        Span::styled(format!("{sign} "), style),
        Span::styled(format!("{:>7.3} ", candidate.reward), theme.strong()),
        Span::styled(format!("{:>+7.2} ", candidate.advantage), theme.text()),
        Span::styled(format!("{:>4}{cut_off} ", candidate.tokens), theme.muted()),
        Span::styled(format!("{} ", text::pad(&outcome, 14, app.symbols.ellipsis)), style),
    ];
    let used: usize = spans.iter().map(|span| text::width(&span.content)).sum();
    let shown = text::fit(&cleaner.flat(sql), width.saturating_sub(used), app.symbols.ellipsis);
    if candidate.sql.is_empty() {
        // A reply without SQL is prose: its words are no keywords.
        spans.push(Span::styled(shown, theme.muted()));
    } else {
        spans.extend(sql::spans(&shown, theme, &mut false));
    }
    spans
}

/// The chosen candidate: its reward parts, its SQL in full, its result beside gold's.
fn details(app: &App, group: &GroupScored, candidate: &Candidate, at: usize, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![rule(app, candidate, at, width)];
    lines.extend(candidate.turns.iter().flat_map(|turn| earlier(app, turn, width)));
    let cleaner = app.symbols.cleaner();
    if candidate.sql.is_empty() {
        lines.push(Line::styled("no SQL in the reply:", app.theme.bad()));
        let parts = text::wrap(&cleaner.flat(&candidate.text), width);
        lines.extend(parts.into_iter().map(|part| Line::styled(part, app.theme.text())));
    }
    let mut quoted = false;
    if !candidate.sql.is_empty() {
        for part in text::wrap(&cleaner.flat(&candidate.sql), width) {
            lines.push(Line::from(sql::spans(&part, &app.theme, &mut quoted)));
        }
    }
    let (sign, _, style) = mark(app, candidate);
    let result = |words: String, style: Style, preview, width| {
        let mut lines = vec![Line::styled(text::fit(&words, width, app.symbols.ellipsis), style)];
        lines.extend(table::lines(app, preview, width));
        lines
    };
    let its = format!("{sign} {}", table::headline(app, &candidate.result));
    let golds = format!("gold: {}", table::headline(app, &group.gold));
    let gap = Span::styled(format!("  {} ", app.symbols.column), app.theme.border(false));
    if width >= 60 {
        let half = (width - text::width(&gap.content)) / 2;
        let left = result(its, style, &candidate.result, half);
        let right = result(golds, app.theme.muted(), &group.gold, half);
        lines.extend(table::beside(left, right, half, &gap));
    } else {
        lines.extend(result(its, style, &candidate.result, width));
        lines.extend(result(golds, app.theme.muted(), &group.gold, width));
    }
    lines.into_iter().map(flatten).collect()
}

/// A reply before the last one in two lines: its query, and what the model was told.
fn earlier(app: &App, turn: &EarlierTurn, width: usize) -> [Line<'static>; 2] {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let sign = if turn.correct { app.symbols.right } else { app.symbols.wrong };
    let room = width.saturating_sub(2);
    let wrote = if turn.sql.is_empty() { &turn.text } else { &turn.sql };
    let wrote = text::fit(&cleaner.flat(wrote), room, app.symbols.ellipsis);
    let told = text::fit(&cleaner.flat(&turn.feedback), room, app.symbols.ellipsis);
    [
        Line::from(vec![Span::styled(format!("{sign} "), theme.muted()), Span::styled(wrote, theme.muted())]),
        Line::from(vec![Span::raw("  "), Span::styled(told, theme.warn())]),
    ]
}

/// What came of the candidate, in one line.
fn in_short(app: &App, candidate: &Candidate, width: usize) -> Line<'static> {
    let (_, _, style) = mark(app, candidate);
    let words = format!("{}: ", table::headline(app, &candidate.result));
    let glimpse = if candidate.sql.is_empty() {
        app.symbols.cleaner().flat(&candidate.text)
    } else {
        table::glimpse(app, &candidate.result)
    };
    let glimpse = text::fit(&glimpse, width.saturating_sub(text::width(&words)), app.symbols.ellipsis);
    Line::from(vec![Span::styled(words, style), Span::styled(glimpse, app.theme.text())])
}

/// A rule with the candidate's number and its reward parts in it.
fn rule(app: &App, candidate: &Candidate, at: usize, width: usize) -> Line<'static> {
    let (theme, dot) = (&app.theme, app.symbols.dot);
    let mut parts = vec![format!(" candidate {}", at + 1)];
    let components = candidate.components.iter();
    parts.extend(
        components.map(|(name, value)| format!("{} {}", app.symbols.cleaner().flat(name), figures::short(*value))),
    );
    if !candidate.turns.is_empty() {
        parts.push(format!("reply {}", candidate.turns.len() + 1));
    }
    if !candidate.finished {
        parts.push("cut off at the limit".into());
    }
    let words = parts.join(&format!(" {dot} ")) + " ";
    let words = text::fit(&words, width.saturating_sub(2), app.symbols.ellipsis);
    let rest = width.saturating_sub(text::width(&words) + 1);
    Line::from(vec![
        Span::styled(app.symbols.rule, theme.border(false)),
        Span::styled(words, theme.title(false)),
        Span::styled(app.symbols.rule.repeat(rest), theme.border(false)),
    ])
}

/// Puts a line's style into its spans, which are what is drawn.
pub fn flatten(mut line: Line<'static>) -> Line<'static> {
    line.spans.iter_mut().for_each(|span| span.style = line.style.patch(span.style));
    line
}
