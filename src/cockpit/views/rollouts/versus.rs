//! The same question, then and now.

use std::sync::Arc;

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};

use super::words::{Part, compared};
use crate::{
    cockpit::{app::App, catalog::Entry, filter::Flip, text},
    run::event::GroupScored,
};

/// Times at which a question was asked, in a line: step and share of right candidates, the one on show in brackets.
pub fn history(app: &App, entry: &Entry, width: usize) -> Line<'static> {
    let catalog = &app.ui.rollouts.catalog;
    let times = catalog.times(entry.question_id);
    let time = |at: &usize| {
        let of = &catalog.entries()[*at];
        let flip = match of.flip {
            Flip::Lost => " lost",
            Flip::Gained => " gained",
            Flip::None => "",
        };
        let words = format!("step {} {:.0}%{flip}", of.step, of.accuracy() * 100.0);
        if of.key() == entry.key() { format!("[{words}]") } else { words }
    };
    let now = times.iter().position(|at| catalog.entries()[*at].key() == entry.key()).unwrap_or(0);
    // Around the one on show.
    let near = times.iter().skip(now.saturating_sub(2)).take(5).map(time).collect::<Vec<_>>();
    let words = match times.len() {
        0 | 1 => "asked once so far".to_owned(),
        many => format!("asked {many} times: {}", near.join(&format!(" {} ", app.symbols.to))),
    };
    Line::styled(text::fit(&words, width, app.symbols.ellipsis), app.theme.muted())
}

/// How the best candidate's SQL differs from that of the time before, word by word.
pub fn lines(app: &mut App, entry: &Entry, group: &Arc<GroupScored>, width: usize) -> Vec<Line<'static>> {
    let muted = app.theme.muted();
    let Some(before) = entry.before.and_then(|at| app.ui.rollouts.catalog.entries().get(at)).map(Entry::key) else {
        return vec![Line::styled("the question was not asked before", muted)];
    };
    let Some(old) = app.rollout(before) else {
        return vec![Line::styled(format!("step {} is being read", before.0), muted)];
    };
    let head = format!("best candidate of step {} {} of step {}", before.0, app.symbols.to, group.step);
    let mut lines = vec![Line::styled(text::fit(&head, width, app.symbols.ellipsis), app.theme.title(true))];
    let (then, now) = (best(&old), best(group));
    if then.1 == now.1 {
        lines.push(Line::styled("the same query", muted));
    }
    let cleaner = app.symbols.cleaner();
    let (old_sql, new_sql) = (cleaner.flat(&then.1), cleaner.flat(&now.1));
    lines.extend(laid_out(app, &compared(&old_sql, &new_sql), width));
    let words = format!("reward {:.3} {} {:.3}", then.0, app.symbols.to, now.0);
    lines.push(Line::styled(words, app.theme.text()));
    lines.push(Line::styled("[-gone-] {+new+}", muted));
    lines
}

/// Reward and SQL of the best candidate, the first of equals.
fn best(group: &GroupScored) -> (f64, String) {
    let best = group.candidates.iter().rev().max_by(|a, b| a.reward.total_cmp(&b.reward));
    best.map(|candidate| (candidate.reward, candidate.sql.clone())).unwrap_or_default()
}

/// Words in lines; what is gone and what is new is bracketed, so that it can be told without colours.
fn laid_out(app: &App, parts: &[Part<'_>], width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    let mut used = 0;
    for part in parts {
        let (words, style) = match part {
            Part::Same(word) => ((*word).to_owned(), app.theme.text()),
            Part::Gone(word) => (format!("[-{word}-]"), app.theme.bad().add_modifier(Modifier::CROSSED_OUT)),
            Part::New(word) => (format!("{{+{word}+}}"), app.theme.good().add_modifier(Modifier::UNDERLINED)),
        };
        let words = text::fit(&words, width, app.symbols.ellipsis);
        let columns = text::width(&words);
        if used > 0 && used + 1 + columns > width {
            lines.push(Line::default());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.spans.push(Span::raw(" "));
            used += 1;
        }
        line.spans.push(Span::styled(words, style));
        used += columns;
    }
    lines
}
