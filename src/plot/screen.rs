//! A drawn screen as a picture: what `screenshots/` is made of.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use super::{
    PlotError, font,
    glyph::{self, CellBox},
    picture::{Picture, Rgb},
};
use crate::{
    cockpit::{App, draw, theme::rgb_of},
    run::event::Record,
};

/// Pixels of a cell.
const CELL: (i32, i32) = (12, 26);
/// Height from ascent to descent at which a letter of the bundled font is as wide as a cell.
const LETTER: f32 = 26.4;
/// What a terminal's own colours are taken to be.
const DEFAULT: (Rgb, Rgb) = ((208, 212, 220), (16, 18, 22));

/// Folds a stored run's records into an app, presses some keys, and draws it at so many columns and rows.
pub fn draw_run(app: &mut App, records: &[Record], keys: &str, columns: u16, rows: u16) -> Buffer {
    for record in records {
        app.record(record);
    }
    app.ui.toast = None;
    app.close();
    let area = Rect::new(0, 0, columns, rows);
    let mut buf = Buffer::empty(area);
    // Drawn before the keys too: some of them move by what was last drawn.
    draw(app, area, &mut buf);
    for key in keys.chars() {
        let code = if key == '\t' { KeyCode::Tab } else { KeyCode::Char(key) };
        app.key(&KeyEvent::new(code, KeyModifiers::NONE));
    }
    buf.reset();
    draw(app, area, &mut buf);
    buf
}

/// A buffer as text, a line a row, without what only colours say.
pub fn text(buf: &Buffer) -> String {
    let row = |y| {
        let mut line = String::new();
        let mut x = 0;
        while x < buf.area.width {
            let symbol = buf[(buf.area.x + x, buf.area.y + y)].symbol();
            line += symbol;
            x += symbol.width().max(1) as u16;
        }
        line.trim_end().to_owned() + "\n"
    };
    (0..buf.area.height).map(row).collect()
}

/// Paints a buffer as a PNG picture. The same buffer gives the same bytes.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn render(buf: &Buffer) -> Result<Vec<u8>, PlotError> {
    let font = font::load()?;
    let area = buf.area;
    let (width, height) = (i32::from(area.width) * CELL.0, i32::from(area.height) * CELL.1);
    let mut picture = Picture::new(width.max(1) as u32, height.max(1) as u32, DEFAULT.1);
    let boxed =
        |x: u16, y: u16| CellBox { x: i32::from(x) * CELL.0, y: i32::from(y) * CELL.1, width: CELL.0, height: CELL.1 };
    // All backgrounds first: a letter may reach into its neighbour's cell.
    for y in 0..area.height {
        for x in 0..area.width {
            let (_, back) = colors(&buf[(area.x + x, area.y + y)]);
            let cell = boxed(x, y);
            picture.fill((cell.x, cell.y), (cell.width, cell.height), back);
        }
    }
    for y in 0..area.height {
        for x in 0..area.width {
            sign(&mut picture, &font, boxed(x, y), &buf[(area.x + x, area.y + y)]);
        }
    }
    picture.png()
}

/// What is behind everything.
pub(super) fn ground() -> Rgb {
    DEFAULT.1
}

/// Foreground and background as they are seen.
pub(super) fn colors(cell: &Cell) -> (Rgb, Rgb) {
    let color = |color: Color, default: Rgb| rgb_of(color).unwrap_or(default);
    let (mut fore, mut back) = (color(cell.fg, DEFAULT.0), color(cell.bg, DEFAULT.1));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fore, &mut back);
    }
    if cell.modifier.contains(Modifier::DIM) {
        let half = |a: u8, b: u8| u8::midpoint(a, b);
        fore = (half(fore.0, back.0), half(fore.1, back.1), half(fore.2, back.2));
    }
    (fore, back)
}

fn sign(picture: &mut Picture, font: &FontRef<'_>, cell_box: CellBox, cell: &Cell) {
    let (color, _) = colors(cell);
    let Some(first) = cell.symbol().chars().next().filter(|c| *c != ' ') else { return };
    if !glyph::paint(picture, cell_box, first, color) {
        let id = font.glyph_id(first);
        if id.0 == 0 {
            missing(picture, cell_box, cell.symbol().width(), color);
        } else {
            letter(picture, font, cell_box, first, color, cell.modifier.contains(Modifier::BOLD));
        }
    }
    if cell.modifier.contains(Modifier::UNDERLINED) {
        picture.fill((cell_box.x, cell_box.y + cell_box.height - 4), (cell_box.width, 1), color);
    }
}

fn letter(picture: &mut Picture, font: &FontRef<'_>, cell: CellBox, sign: char, color: Rgb, bold: bool) {
    let scale = PxScale::from(LETTER);
    let baseline = cell.y as f32 + (cell.height as f32 - LETTER) / 2.0 + font.as_scaled(scale).ascent();
    // The bundle has one weight: a second strike beside the first makes it bold.
    for shift in if bold { &[0.0, 0.6][..] } else { &[0.0][..] } {
        let glyph = font.glyph_id(sign).with_scale_and_position(scale, point(cell.x as f32 + shift, baseline.round()));
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        outline.draw(|x, y, cover| {
            picture.blend(bounds.min.x as i32 + x as i32, bounds.min.y as i32 + y as i32, color, cover);
        });
    }
}

/// An empty box where the bundled font has no letter (Chinese, emoji).
fn missing(picture: &mut Picture, cell: CellBox, columns: usize, color: Rgb) {
    let (x, y) = (cell.x + 2, cell.y + 5);
    let (width, height) = (cell.width * columns.max(1) as i32 - 4, cell.height - 10);
    picture.fill((x, y), (width, 1), color);
    picture.fill((x, y + height - 1), (width, 1), color);
    picture.fill((x, y), (1, height), color);
    picture.fill((x + width - 1, y), (1, height), color);
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;
    use crate::plot::picture::decode;

    #[test]
    fn cells_become_pixels_in_their_colours() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 3, 1));
        buf.set_string(0, 0, "█", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Rgb(9, 9, 9)));
        buf.set_string(1, 0, "A", Style::new().fg(Color::Rgb(255, 0, 0)).bg(Color::Rgb(0, 0, 0)));
        let bytes = render(&buf).unwrap();
        assert_eq!(bytes, render(&buf).unwrap());
        let picture = decode(&bytes);
        assert_eq!((picture.width, picture.height), (36, 26));
        assert_eq!(picture.bytes[..3], [1, 2, 3]);
        let reds = (12..24).flat_map(|x| (0..26).map(move |y| (y * 36 + x) * 3));
        assert!(reds.filter(|at| picture.bytes[*at] > 200).count() > 10, "the letter is there");
        assert_eq!(picture.bytes[35 * 3..36 * 3], [DEFAULT.1.0, DEFAULT.1.1, DEFAULT.1.2]);
    }

    #[test]
    fn bold_has_more_ink_and_reversed_swaps() {
        let ink = |modifier| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 1, 1));
            let style = Style::new().fg(Color::Rgb(255, 255, 255)).bg(Color::Rgb(0, 0, 0)).add_modifier(modifier);
            buf.set_string(0, 0, "m", style);
            decode(&render(&buf).unwrap()).bytes.iter().map(|b| u64::from(*b)).sum::<u64>()
        };
        let plain = ink(Modifier::empty());
        assert!(ink(Modifier::BOLD) > plain);
        assert!(ink(Modifier::DIM) < plain);
        assert!(ink(Modifier::REVERSED) > 3 * plain);
    }

    #[test]
    fn letters_that_the_font_lacks_become_boxes() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        buf.set_string(0, 0, "東", Style::new().fg(Color::Rgb(255, 255, 255)));
        let picture = decode(&render(&buf).unwrap());
        assert_eq!(picture.bytes[(5 * 48 + 20) * 3], 255, "the box is two cells wide");
    }
}
