//! A grid of dots in characters: eight braille dots a cell, or strokes of ASCII.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::cockpit::symbols::Symbols;

/// Dots of a grid, two to a cell across and four down.
pub struct Dots {
    pub columns: usize,
    pub rows: usize,
    cells: Vec<u8>,
}

/// Bits of a braille character, by row and column of the dot.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Dots {
    pub fn new(area: Rect) -> Self {
        let (columns, rows) = (usize::from(area.width) * 2, usize::from(area.height) * 4);
        Self { columns, rows, cells: vec![0; usize::from(area.width) * usize::from(area.height)] }
    }

    pub fn set(&mut self, x: usize, y: usize) {
        if x < self.columns && y < self.rows {
            self.cells[y / 4 * (self.columns / 2) + x / 2] |= BITS[y % 4][x % 2];
        }
    }

    pub fn column(&mut self, x: usize, from: usize, to: usize) {
        for y in from.min(to)..=from.max(to) {
            self.set(x, y);
        }
    }

    /// A straight line; every column between the ends gets the part of the slope that falls to it.
    pub fn line(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize)) {
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

    /// Leaves every other two columns, which makes a line a dashed one.
    pub fn dash(&mut self) {
        let width = (self.columns / 2).max(1);
        for (at, cell) in self.cells.iter_mut().enumerate() {
            if at % width % 2 == 1 {
                *cell = 0;
            }
        }
    }

    /// Puts the dots into a buffer. `fill` is the sign that ASCII has for any dots at all, in place of strokes.
    pub fn paint(&self, style: Style, symbols: &Symbols, fill: Option<char>, area: Rect, buf: &mut Buffer) {
        for (at, mask) in self.cells.iter().enumerate().filter(|(_, mask)| **mask != 0) {
            let (x, y) = (at % usize::from(area.width), at / usize::from(area.width));
            let sign = match fill {
                Some(fill) if symbols.ascii => fill,
                _ if symbols.ascii => ascii(*mask),
                _ => char::from_u32(0x2800 + u32::from(*mask)).unwrap_or(' '),
            };
            if let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y as u16)) {
                cell.set_char(sign).set_style(style);
            }
        }
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
