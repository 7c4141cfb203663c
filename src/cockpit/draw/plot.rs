//! Curves in characters: eight braille dots a cell, or strokes of ASCII.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::cockpit::{state::Range, symbols::Symbols};

/// What a plot shows and how.
pub struct Plot<'a> {
    /// Curves with their styles, steps rising, later ones over earlier ones.
    pub curves: [(&'a [(u64, f64)], Style); 2],
    /// Single points, drawn over the curve.
    pub marks: &'a [(u64, f64)],
    /// Their style.
    pub mark_style: Style,
    /// Steps from the left to the right end.
    pub steps: (u64, u64),
    /// Values from the bottom to the top.
    pub values: Range,
}

/// Dots of a grid, two to a cell across and four down.
struct Dots {
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
}

/// Bits of a braille character, by row and column of the dot.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Dots {
    fn new(area: Rect) -> Self {
        let (columns, rows) = (usize::from(area.width) * 2, usize::from(area.height) * 4);
        Self { columns, rows, cells: vec![0; usize::from(area.width) * usize::from(area.height)] }
    }

    fn set(&mut self, x: usize, y: usize) {
        if x < self.columns && y < self.rows {
            self.cells[y / 4 * (self.columns / 2) + x / 2] |= BITS[y % 4][x % 2];
        }
    }

    fn column(&mut self, x: usize, from: usize, to: usize) {
        for y in from.min(to)..=from.max(to) {
            self.set(x, y);
        }
    }

    /// A straight line; every column between the ends gets the part of the slope that falls to it.
    fn line(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize)) {
        let across = x1.saturating_sub(x0);
        if across == 0 {
            return self.column(x0, y0, y1);
        }
        let at = |x: usize| y0 as f64 + (y1 as f64 - y0 as f64) * (x as f64 / across as f64);
        let mut before = y0;
        for i in 0..=across {
            let y = at(i).round() as usize;
            // One dot less than the whole way, so that gentle slopes stay thin.
            let from = if y > before { before + 1 } else { before.saturating_sub(1).max(y) };
            self.column(x0 + i, if y == before { y } else { from }, y);
            before = y;
        }
    }
}

/// Where steps and values fall on the grid.
struct Scale {
    steps: (u64, u64),
    values: Range,
    columns: usize,
    rows: usize,
}

impl Scale {
    fn x(&self, step: u64) -> usize {
        let (first, last) = self.steps;
        let span = last.saturating_sub(first).max(1) as f64;
        let share = step.clamp(first, last).saturating_sub(first) as f64 / span;
        (share * (self.columns.saturating_sub(1)) as f64).round() as usize
    }

    fn y(&self, value: f64) -> usize {
        let span = self.values.max - self.values.min;
        let share =
            if span > 0.0 && span.is_finite() { ((value - self.values.min) / span).clamp(0.0, 1.0) } else { 0.5 };
        ((1.0 - share) * (self.rows.saturating_sub(1)) as f64).round() as usize
    }
}

/// Draws a plot.
pub fn render(plot: &Plot<'_>, symbols: &Symbols, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let (columns, rows) = (usize::from(area.width) * 2, usize::from(area.height) * 4);
    let scale = Scale { steps: plot.steps, values: plot.values, columns, rows };
    for (curve, style) in plot.curves {
        draw_curve(curve, style, &scale, symbols, area, buf);
    }
    for (step, value) in plot.marks.iter().filter(|(_, value)| value.is_finite()) {
        let (x, y) = (scale.x(*step) / 2, scale.y(*value) / 4);
        if let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y as u16)) {
            cell.set_symbol(symbols.eval).set_style(plot.mark_style);
        }
    }
}

fn draw_curve(curve: &[(u64, f64)], style: Style, scale: &Scale, symbols: &Symbols, area: Rect, buf: &mut Buffer) {
    let mut dots = Dots::new(area);
    trace(&mut dots, scale, &thinned(curve, scale.columns));
    for (at, mask) in dots.cells.iter().enumerate().filter(|(_, mask)| **mask != 0) {
        let (x, y) = (at % usize::from(area.width), at / usize::from(area.width));
        let sign = if symbols.ascii { ascii(*mask) } else { char::from_u32(0x2800 + u32::from(*mask)).unwrap_or(' ') };
        if let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y as u16)) {
            cell.set_char(sign).set_style(style);
        }
    }
}

/// The points that shape the curve. A long run has far more than there are columns: of every few neighbours the first, the
/// last, the lowest and the highest look like all of them.
fn thinned(curve: &[(u64, f64)], columns: usize) -> Cow<'_, [(u64, f64)]> {
    let chunk = curve.len() / (columns * 2).max(1);
    if chunk < 8 {
        return Cow::Borrowed(curve);
    }
    let mut kept = Vec::with_capacity(columns * 8 + 8);
    for part in curve.chunks(chunk) {
        let finite = || part.iter().enumerate().filter(|(_, point)| point.1.is_finite());
        let lowest = finite().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(at, _)| at);
        let highest = finite().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(at, _)| at);
        let mut places = [0, lowest.unwrap_or(0), highest.unwrap_or(0), part.len() - 1];
        places.sort_unstable();
        kept.extend(places.map(|at| part[at]));
    }
    Cow::Owned(kept)
}

/// Draws the curve. Of the points that share a column, the column shows the whole range; a NaN leaves a gap.
fn trace(dots: &mut Dots, scale: &Scale, curve: &[(u64, f64)]) {
    let mut before: Option<(usize, usize)> = None;
    for (step, value) in curve {
        if !value.is_finite() {
            before = None;
            continue;
        }
        let here = (scale.x(*step), scale.y(*value));
        match before {
            // Long runs have many points on the same dot.
            Some(last) if last == here => {}
            Some(last) => dots.line(last, here),
            None => dots.set(here.0, here.1),
        }
        before = Some(here);
    }
}

/// The stroke that comes nearest to the dots of a cell.
fn ascii(mask: u8) -> char {
    let row = |at: usize| mask & (BITS[at][0] | BITS[at][1]) != 0;
    match (row(0), row(1), row(2), row(3)) {
        (true, _, true, _) | (true, _, _, true) | (_, true, _, true) => '|',
        (true, ..) => '\'',
        (_, true, ..) | (_, _, true, false) => '-',
        _ => '_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(curve: &[(u64, f64)], marks: &[(u64, f64)], symbols: &Symbols) -> Vec<String> {
        let area = Rect::new(0, 0, 4, 2);
        let mut buf = Buffer::empty(area);
        let steps = (curve.first().map_or(0, |p| p.0), curve.last().map_or(0, |p| p.0));
        let values = Range { min: 0.0, max: 1.0 };
        let curves = [(&[][..], Style::new()), (curve, Style::new())];
        let plot = Plot { curves, marks, mark_style: Style::new(), steps, values };
        render(&plot, symbols, area, &mut buf);
        (0..2).map(|y| (0..4).map(|x| buf[(x, y)].symbol().to_owned()).collect()).collect()
    }

    #[test]
    fn a_rising_line_goes_from_corner_to_corner() {
        assert_eq!(drawn(&[(1, 0.0), (8, 1.0)], &[], &Symbols::UNICODE), ["  ⡠⠊", "⡠⠊  "]);
        assert_eq!(drawn(&[(1, 0.0), (8, 1.0)], &[], &Symbols::ASCII), ["  _'", "_'  "]);
    }

    #[test]
    fn a_nan_leaves_a_gap() {
        let curve = [(1, 0.0), (2, 0.0), (3, f64::NAN), (4, f64::NAN), (5, 0.0), (8, 0.0)];
        assert_eq!(drawn(&curve, &[], &Symbols::UNICODE)[1], "⣀ ⣀⣀");
    }

    #[test]
    fn a_long_curve_looks_like_its_few_points_and_keeps_its_spikes() {
        let mut curve: Vec<(u64, f64)> = (0..20_000).map(|x| (x, x as f64 / 19_999.0)).collect();
        assert_eq!(drawn(&curve, &[], &Symbols::UNICODE), drawn(&[(0, 0.0), (19_999, 1.0)], &[], &Symbols::UNICODE));
        curve[2_000].1 = 1.0;
        curve[18_000].1 = f64::NAN;
        assert!(thinned(&curve, 8).len() < 100);
        assert_ne!(drawn(&curve, &[], &Symbols::UNICODE)[0].chars().next(), Some(' '), "a single spike is seen");
    }

    #[test]
    fn marks_lie_over_the_curve() {
        assert_eq!(drawn(&[(1, 0.0), (8, 0.0)], &[(8, 1.0), (4, f64::NAN)], &Symbols::UNICODE)[0], "   ◆");
    }

    #[test]
    fn a_flat_series_runs_in_the_middle() {
        let area = Rect::new(0, 0, 2, 1);
        let mut buf = Buffer::empty(area);
        let values = Range { min: 3.0, max: 3.0 };
        let curve = [(1, 3.0), (2, 3.0)];
        let curves = [(&[][..], Style::new()), (&curve[..], Style::new())];
        let plot = Plot { curves, marks: &[], mark_style: Style::new(), steps: (1, 2), values };
        render(&plot, &Symbols::UNICODE, area, &mut buf);
        assert_eq!(buf[(0, 0)].symbol(), "⠤");
    }
}
