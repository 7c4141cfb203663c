//! The list of questions.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::place::{Order, Place, Scan};
use crate::cockpit::{
    app::App,
    catalog::Entry,
    draw::widgets::{empty, frame, put, put_spans},
    figures,
    filter::Flip,
    text,
};

/// Columns from which mean and spread of the rewards are shown, and the database.
const WITH_REWARD: usize = 44;
const WITH_DATABASE: usize = 76;

/// Draws the list around what is chosen.
pub fn render(app: &mut App, area: Rect, buf: &mut Buffer) {
    let (title, remark) = words(app);
    let inner = frame(app, &title, &remark, !app.ui.rollouts.inside, area, buf);
    let rows = usize::from(inner.height.saturating_sub(1));
    app.ui.rollouts.page = rows.max(1);
    if app.ui.rollouts.listed().is_empty() {
        let filter = app.symbols.cleaner().flat(&app.ui.rollouts.catalog.filter().to_string());
        let looking = app.ui.rollouts.scan == Scan::Running;
        let hint =
            if looking { "the store is still being read" } else { "/ changes the filter; an empty one shows all" };
        return empty(app, &[&format!("nothing is found by {filter}"), hint], inner, buf);
    }
    let width = usize::from(inner.width);
    put(buf, inner.x, inner.y, inner.right(), &heading(width), app.theme.muted());
    let chosen = app.rollout_at();
    let first = chosen.saturating_sub(rows / 2).min(app.ui.rollouts.listed().len().saturating_sub(rows));
    let is_listed = app.rollout_entry().map(Entry::key) == app.ui.rollouts.entry(chosen).map(Entry::key);
    for (row, at) in (first..app.ui.rollouts.listed().len()).take(rows).enumerate() {
        let Some(entry) = app.ui.rollouts.entry(at) else { continue };
        let y = inner.y + 1 + row as u16;
        put_spans(buf, inner.x, y, inner.right(), &line(app, entry, at == chosen && is_listed, width));
        if at == chosen && is_listed {
            buf.set_style(Rect::new(inner.x, y, inner.width, 1), app.theme.selection());
        }
    }
}

/// What stands on the frame: how many there are, what of, in which order.
fn words(app: &App) -> (String, String) {
    let place: &Place = &app.ui.rollouts;
    let (dot, count) = (app.symbols.dot, place.listed().len());
    let mut title = format!("questions {dot} {}", figures::count(count as u64));
    if !place.catalog.filter().is_everything() {
        let filter = app.symbols.cleaner().flat(&place.catalog.filter().to_string());
        title = format!("{title} of {} {dot} {filter}", figures::count(place.catalog.entries().len() as u64));
    }
    let way = if place.reversed { ", reversed" } else { "" };
    let order = match place.order {
        Order::Time if !place.reversed => "newest first".to_owned(),
        order => format!("by {}{way}", order.name()),
    };
    let remark = match &place.scan {
        Scan::Running => format!("{order} {dot} reading {}", app.symbols.ellipsis),
        Scan::Failed(_) => format!("{order} {dot} the store cannot be read"),
        Scan::None | Scan::Done => order,
    };
    (title, remark)
}

fn heading(width: usize) -> String {
    let reward = if width >= WITH_REWARD { "   mean spread" } else { "" };
    let db = if width >= WITH_DATABASE { "database       " } else { "" };
    format!("    step  right{reward} flags {db}question")
}

fn line(app: &App, entry: &Entry, chosen: bool, width: usize) -> Vec<Span<'static>> {
    let (theme, cleaner) = (&app.theme, app.symbols.cleaner());
    let cursor = if chosen { app.symbols.cursor } else { " " };
    let (right, of) = entry.right;
    let style = if right == of {
        theme.good()
    } else if right == 0 {
        theme.bad()
    } else {
        theme.text()
    };
    let mut spans = vec![
        Span::styled(format!("{cursor} {:>6}  ", entry.step), theme.muted()),
        Span::styled(format!("{:>5}", format!("{right}/{of}")), style),
    ];
    if width >= WITH_REWARD {
        spans.push(Span::styled(format!(" {:>6.3} {:>6.3}", entry.mean, entry.spread), theme.text()));
    }
    spans.push(Span::raw(" "));
    spans.extend(flags(app, entry));
    spans.push(Span::raw(" "));
    if width >= WITH_DATABASE {
        spans.push(Span::styled(text::pad(&cleaner.flat(&entry.db), 14, app.symbols.ellipsis) + " ", theme.muted()));
    }
    let used: usize = spans.iter().map(|span| text::width(&span.content)).sum();
    let question = text::fit(&cleaner.flat(&entry.question), width.saturating_sub(used), app.symbols.ellipsis);
    spans.push(Span::styled(question, theme.text()));
    spans
}

/// Letters for what is special: lost or gained, dead, cut off.
fn flags(app: &App, entry: &Entry) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let flip = match entry.flip {
        Flip::Lost => Span::styled("L", theme.bad()),
        Flip::Gained => Span::styled("G", theme.good()),
        Flip::None => Span::raw(" "),
    };
    let flag = |is: bool, letter: &'static str| Span::styled(if is { letter } else { " " }, theme.warn());
    vec![flip, flag(entry.is_dead(), "D"), flag(entry.cut > 0, "C"), Span::raw("  ")]
}
