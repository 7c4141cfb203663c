//! What can be typed next, at the bottom of the screen: keys in columns under the names of their groups.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::{Clear, Widget},
};

use super::widgets::{frame, put};
use crate::cockpit::{
    action::{Action, Scope, info_of},
    app::{App, Hint},
    text,
};

/// Columns that a key with its label needs; where there are few, long labels are cut.
const COLUMN: u16 = 22;
const NARROW: u16 = 18;
/// Columns of a screen from which on labels have their room.
const WIDE: u16 = 60;
/// Columns from one to the next.
const GAP: usize = 2;
/// Rows of keys at least, where there is room for so many.
const ROWS: usize = 7;

/// A row of a column.
enum Cell {
    Heading(String),
    Key(Hint),
}

/// Draws them above the footer; gives the page on show, the first again after the last.
pub fn render(app: &App, page: usize, area: Rect, buf: &mut Buffer) -> usize {
    let groups = app.hints();
    let columns = usize::from((area.width.saturating_sub(4) / if area.width < WIDE { NARROW } else { COLUMN }).max(1));
    let reasons = usize::from(area.height / 12);
    // The footer stays, and two rows are the frame's.
    let most =
        (usize::from(area.height) / 2).max(ROWS).min(usize::from(area.height).saturating_sub(3 + reasons)).max(2);
    let cells: Vec<(String, Vec<Hint>)> = groups.into_iter().map(|(group, hints)| (group.title(), hints)).collect();
    let rows = rows(&cells, columns, most);
    let all = flow(cells, rows);
    let pages = all.len().div_ceil(columns).max(1);
    let page = page % pages;
    let shown: Vec<Vec<Cell>> = all.into_iter().skip(page * columns).take(columns).collect();
    let notes: Vec<String> = notes(&shown).into_iter().take(reasons).collect();
    let room = {
        let height = (rows + notes.len() + 2) as u16;
        Rect { y: area.bottom().saturating_sub(height + 1).max(area.y), height: height.min(area.height), ..area }
    };
    Clear.render(room, buf);
    buf.set_style(room, app.theme.screen());
    let more = info_of(Action::Hints, Scope::Main).map_or_else(String::new, |info| app.keymap.label(info));
    let place = format!("{} of {pages}", page + 1);
    let remark = match (pages > 1, area.width < WIDE) {
        (false, _) => "esc closes".to_owned(),
        (true, false) => format!("{more} more ({place}), esc closes"),
        (true, true) => format!("{more} more, {place}"),
    };
    let inner = frame(app, "the next key", &remark, true, room, buf).inner(Margin::new(1, 0));
    let widths = shown.iter().map(|column| column.iter().map(key_width).max().unwrap_or(0));
    for (at, (column, keys)) in shown.iter().zip(widths).enumerate() {
        let x = inner.x + inner.width * at as u16 / columns as u16;
        let end = (inner.x + inner.width * (at as u16 + 1) / columns as u16).saturating_sub(GAP as u16 - 1);
        for (y, cell) in (inner.y..inner.bottom()).zip(column) {
            one(app, cell, keys, (x, y, end), buf);
        }
    }
    for (y, note) in (inner.y + rows as u16..inner.bottom()).zip(&notes) {
        let words = text::fit(note, usize::from(inner.width), app.symbols.ellipsis);
        put(buf, inner.x, y, inner.right(), &words, app.theme.muted());
    }
    page
}

fn one(app: &App, cell: &Cell, keys: usize, (x, y, end): (u16, u16, u16), buf: &mut Buffer) {
    let theme = &app.theme;
    match cell {
        Cell::Heading(title) => {
            put(buf, x, y, end, title, theme.title(true));
        }
        Cell::Key(hint) => {
            let (key, label) = match hint.reason {
                Some(_) => (theme.muted(), theme.muted()),
                None => (theme.accent(), theme.text()),
            };
            // Meaning never by colour alone: what does nothing now stands in parentheses.
            let words = if hint.reason.is_some() { format!("({})", hint.info.label) } else { hint.info.label.into() };
            let after = put(buf, x, y, end, &text::pad(&hint.key, keys + 1, ""), key);
            let room = usize::from(end.saturating_sub(after));
            put(buf, after, y, end, &text::fit(&words, room, app.symbols.ellipsis), label);
        }
    }
}

fn key_width(cell: &Cell) -> usize {
    match cell {
        Cell::Heading(_) => 0,
        Cell::Key(hint) => text::width(&hint.key),
    }
}

/// The fewest rows in which everything fits into so many columns, at most so many.
fn rows(groups: &[(String, Vec<Hint>)], columns: usize, most: usize) -> usize {
    let fits = |rows: &usize| {
        let lengths = groups.iter().map(|(_, hints)| hints.len());
        places(lengths, *rows).last().is_none_or(|last| last.1 < columns)
    };
    (2..most).find(fits).unwrap_or(most)
}

/// Row and column of each group's heading and of each of its keys, column after column. No heading stands alone at a column's end.
fn places(lengths: impl Iterator<Item = usize>, rows: usize) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut at = 0;
    for length in lengths {
        if at % rows == rows - 1 {
            at += 1;
        }
        places.extend((at..=at + length).map(|at| (at % rows, at / rows)));
        at += length + 1;
    }
    places
}

/// Groups in columns of so many rows.
fn flow(groups: Vec<(String, Vec<Hint>)>, rows: usize) -> Vec<Vec<Cell>> {
    let places = places(groups.iter().map(|(_, hints)| hints.len()), rows);
    let heading = |title| std::iter::once(Cell::Heading(title));
    let cells = groups.into_iter().flat_map(|(title, hints)| heading(title).chain(hints.into_iter().map(Cell::Key)));
    let mut columns: Vec<Vec<Cell>> = Vec::new();
    for (cell, (_, column)) in cells.zip(places) {
        columns.resize_with(columns.len().max(column + 1), Vec::new);
        columns[column].push(cell);
    }
    columns
}

/// Why some keys do nothing now, each reason with its keys.
fn notes(columns: &[Vec<Cell>]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for cell in columns.iter().flatten() {
        let Cell::Key(Hint { key, reason: Some(reason), .. }) = cell else { continue };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, keys)) => keys.push(key),
            None => reasons.push((reason, vec![key])),
        }
    }
    reasons.into_iter().map(|(reason, keys)| format!("{}: not now, {reason}", keys.join(" "))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_has_a_place_of_its_own_below_its_heading(lengths in prop::collection::vec(1usize..12, 1..9), rows in 2usize..20) {
            let places = places(lengths.iter().copied(), rows);
            prop_assert_eq!(places.len(), lengths.iter().map(|length| length + 1).sum::<usize>());
            prop_assert!(places.is_sorted_by(|a, b| (a.1, a.0) < (b.1, b.0)));
            let mut at = 0;
            for length in lengths {
                prop_assert!(places[at].0 < rows - 1, "a heading is followed by a key in its column");
                at += length + 1;
            }
        }
    }
}
