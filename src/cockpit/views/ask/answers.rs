//! An answer: the base model's reply and the policy's, side by side where there is room.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
};

use crate::{
    cockpit::{
        app::App,
        draw::{
            sql, table,
            widgets::{empty, frame, scrolled},
        },
        text,
    },
    run::event::{Answer, Reply},
};

/// Width from which replies stand side by side.
const SIDE_BY_SIDE: usize = 70;

/// Draws the answer on show; gives the scroll position brought back within bounds.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) -> usize {
    let (answers, place) = (app.run.notices().answers(), &app.ui.ask);
    let shown = answers.len().checked_sub(1 + place.answer).and_then(|at| answers.get(at));
    let Some(answer) = shown else {
        let inner = frame(app, "ask", "", place.at_answers, area, buf).inner(Margin::new(1, 0));
        let lines = [
            "nothing was asked yet",
            "enter: type a question on the marked database",
            "the base model and the policy in training answer between two steps",
        ];
        empty(app, &lines, inner, buf);
        return 0;
    };
    let remark = format!("{} of {}, h older, l newer", answers.len() - place.answer, answers.len());
    let inner = frame(app, "ask", &remark, place.at_answers, area, buf).inner(Margin::new(1, 0));
    scrolled(&lines(app, answer, usize::from(inner.width)), place.scroll, inner, buf)
}

fn lines(app: &App, answer: &Answer, width: usize) -> Vec<Line<'static>> {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let mut lines = Vec::new();
    for line in text::wrap(&cleaner.flat(&answer.question), width) {
        lines.push(Line::from(Span::styled(line, theme.strong())));
    }
    let facts = format!("{}, after step {}, {:.1} s", cleaner.flat(&answer.db_id), answer.step, answer.time);
    lines.push(Line::from(Span::styled(facts, theme.muted())));
    lines.push(Line::default());
    let policy = format!("policy after step {}", answer.step);
    match &answer.base {
        Some(base) if width >= SIDE_BY_SIDE => {
            let half = (width - 3) / 2;
            let gap = Span::styled(format!(" {} ", app.symbols.column), theme.border(false));
            let (left, right) = (reply(app, "base model", base, half), reply(app, &policy, &answer.policy, half));
            lines.extend(table::beside(left, right, half, &gap));
        }
        base => {
            if let Some(base) = base {
                lines.extend(reply(app, "base model", base, width));
                lines.push(Line::default());
            }
            lines.extend(reply(app, &policy, &answer.policy, width));
        }
    }
    lines
}

fn reply(app: &App, who: &str, reply: &Reply, width: usize) -> Vec<Line<'static>> {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let cut = if reply.finished { "" } else { ", cut off" };
    let mut lines = vec![Line::from(Span::styled(format!("{who}: {} tokens{cut}", reply.tokens), theme.accent()))];
    if reply.sql.is_empty() {
        lines.push(Line::from(Span::styled("no SQL in the reply:", theme.warn())));
        let words = text::wrap(&cleaner.flat(&reply.text), width);
        lines.extend(words.into_iter().map(|line| Line::from(Span::styled(line, theme.text()))));
        return lines;
    }
    let mut quoted = false;
    for line in cleaner.lines(&reply.sql).flat_map(|line| text::wrap(&line, width)) {
        lines.push(Line::from(sql::spans(&line, theme, &mut quoted)));
    }
    let ran = reply.result.outcome == "rows";
    let sign = if ran { app.symbols.right } else { app.symbols.wrong };
    let style = if ran { theme.good() } else { theme.bad() };
    lines.push(Line::from(Span::styled(format!("{sign} {}", table::headline(app, &reply.result)), style)));
    for line in table::lines(app, &reply.result, width) {
        let spans = line.spans.into_iter().map(|span| Span::styled(span.content, line.style.patch(span.style)));
        lines.push(Line::from(spans.collect::<Vec<_>>()));
    }
    lines
}
