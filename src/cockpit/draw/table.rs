//! What came of a query: a table or an error, as lines.

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use crate::{
    cockpit::{app::App, figures, text, views::rollouts::Mark},
    run::event::ResultPreview,
};

/// Widest column of a table.
const COLUMN: usize = 28;

/// One line that says what came of a query.
pub fn headline(app: &App, result: &ResultPreview) -> String {
    let time = if result.millis >= 0.05 { format!(" in {:.1} ms", result.millis) } else { String::new() };
    match result.outcome.as_str() {
        "rows" => {
            let plural = if result.total_rows == 1 { "" } else { "s" };
            format!("{} row{plural}{time}", figures::count(result.total_rows as u64))
        }
        "" => "not executed".into(),
        outcome => app.symbols.cleaner().flat(&outcome.replace('_', " ")),
    }
}

/// What came of a query in one line: the error's text, or the first rows.
pub fn glimpse(app: &App, result: &ResultPreview) -> String {
    let cleaner = app.symbols.cleaner();
    if let Some(message) = &result.message {
        return cleaner.flat(message);
    }
    let rows: Vec<String> = result.rows.iter().map(|row| cleaner.flat(&row.join(", "))).collect();
    rows.join(&format!(" {} ", app.symbols.column))
}

/// The result in full: an error's text, or the rows that are kept.
pub fn lines(app: &App, result: &ResultPreview, width: usize) -> Vec<Line<'static>> {
    marked(app, result, None, width)
}

/// The same with a sign before each row that the other result has not, and before those of which cells differ; these are underlined.
pub fn marked(
    app: &App,
    result: &ResultPreview,
    marks: Option<(&[Mark], &'static str)>,
    width: usize,
) -> Vec<Line<'static>> {
    let cleaner = app.symbols.cleaner();
    let mut lines = Vec::new();
    if let Some(message) = &result.message {
        lines.extend(text::wrap(&cleaner.flat(message), width).into_iter().map(|l| Line::styled(l, app.theme.bad())));
        return lines;
    }
    if result.columns.is_empty() {
        return lines;
    }
    let widths = widths(app, result, width.saturating_sub(if marks.is_some() { 2 } else { 0 }));
    let row = |cells: &[String], style: Style, mark: Option<&Mark>| -> Line<'static> {
        let mut spans: Vec<Span<'static>> = marks.map(|(_, alone)| sign(app, mark, alone)).into_iter().collect();
        for (at, width) in widths.iter().enumerate() {
            if at > 0 {
                spans.push(Span::styled(format!(" {} ", app.symbols.column), app.theme.border(false)));
            }
            let text = cells.get(at).map_or("", String::as_str);
            let style = match mark {
                Some(Mark::Differs(cells)) if cells.get(at) == Some(&true) => {
                    app.theme.bad().add_modifier(Modifier::UNDERLINED)
                }
                Some(Mark::Alone) => app.theme.warn(),
                _ => style,
            };
            spans.push(Span::styled(text::pad(&cleaner.line(text), *width, app.symbols.ellipsis), style));
        }
        Line::from(spans)
    };
    lines.push(row(&result.columns, app.theme.title(false), None));
    let mark = |at: usize| marks.and_then(|(marks, _)| marks.get(at));
    lines.extend(result.rows.iter().enumerate().map(|(at, cells)| row(cells, app.theme.text(), mark(at))));
    let hidden_rows = result.total_rows.saturating_sub(result.rows.len());
    let hidden_columns = result.columns.len() - widths.len();
    let mut more = Vec::new();
    if hidden_rows > 0 {
        more.push(format!("{} more rows", figures::count(hidden_rows as u64)));
    }
    if hidden_columns > 0 {
        more.push(format!("{hidden_columns} more columns"));
    }
    if !more.is_empty() {
        lines.push(Line::styled(format!("{} {}", app.symbols.ellipsis, more.join(", ")), app.theme.muted()));
    }
    lines
}

/// What stands before a row: `~` where cells differ, `alone` where the other result has no such row.
fn sign(app: &App, mark: Option<&Mark>, alone: &'static str) -> Span<'static> {
    match mark {
        Some(Mark::Differs(_)) => Span::styled("~ ", app.theme.bad()),
        Some(Mark::Alone) => Span::styled(format!("{alone} "), app.theme.warn()),
        Some(Mark::Same) | None => Span::raw("  "),
    }
}

/// Widths of as many columns as fit.
fn widths(app: &App, result: &ResultPreview, room: usize) -> Vec<usize> {
    let cleaner = app.symbols.cleaner();
    let mut widths = Vec::new();
    let mut used = 0;
    for (at, name) in result.columns.iter().enumerate() {
        let cells = result.rows.iter().filter_map(|row| row.get(at)).map(|cell| text::width(&cleaner.line(cell)));
        let wanted = cells.chain([text::width(&cleaner.line(name))]).max().unwrap_or(0).clamp(1, COLUMN);
        let gap = if at == 0 { 0 } else { 3 };
        let left = room.saturating_sub(used + gap);
        if left < wanted.min(4) {
            break;
        }
        widths.push(wanted.min(left));
        used += gap + wanted.min(left);
    }
    widths
}

/// Two texts side by side.
pub fn beside(
    left: Vec<Line<'static>>,
    right: Vec<Line<'static>>,
    left_width: usize,
    gap: &Span<'static>,
) -> Vec<Line<'static>> {
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    (0..rows)
        .map(|_| {
            let mut line = left.next().unwrap_or_default();
            let style = line.style;
            line.spans.iter_mut().for_each(|span| span.style = style.patch(span.style));
            let used: usize = line.spans.iter().map(|span| text::width(&span.content)).sum();
            line.spans.push(Span::raw(" ".repeat(left_width.saturating_sub(used))));
            line.spans.push(gap.clone());
            let other = right.next().unwrap_or_default();
            line.spans
                .extend(other.spans.into_iter().map(|span| Span::styled(span.content, other.style.patch(span.style))));
            line.style = Style::new();
            line
        })
        .collect()
}
