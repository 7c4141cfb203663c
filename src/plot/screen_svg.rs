//! A drawn screen as SVG: letters stay letters, so that it is sharp at every size and can be searched.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::Modifier,
};
use unicode_width::UnicodeWidthStr;

use super::{
    picture::Rgb,
    screen::{colors, ground},
};

/// Pixels of a cell, and where in it letters stand.
const CELL: (usize, usize) = (10, 20);
const BASELINE: usize = 15;

/// Neighbours in a row that look alike.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    fore: Rgb,
    back: Rgb,
    modifier: Modifier,
}

/// Writes a buffer as an SVG picture. The same buffer gives the same text.
pub fn render(buf: &Buffer) -> String {
    let (columns, rows) = (usize::from(buf.area.width), usize::from(buf.area.height));
    let (width, height) = (columns * CELL.0, rows * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"16\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"{}\"/>\n",
        hex(ground())
    );
    let runs: Vec<(usize, Run)> =
        (0..rows).flat_map(|row| runs(buf, row).into_iter().map(move |run| (row, run))).collect();
    // All backgrounds first: a letter may reach into its neighbour's cell.
    for (row, run) in runs.iter().filter(|(_, run)| run.back != ground()) {
        let (x, y, wide) = (run.column * CELL.0, row * CELL.1, run.columns * CELL.0);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{}\" fill=\"{}\"/>",
            CELL.1,
            hex(run.back)
        );
    }
    for (row, run) in runs.iter().filter(|(_, run)| !run.text.trim().is_empty()) {
        text(&mut out, *row, run);
    }
    out += "</svg>\n";
    out
}

fn text(out: &mut String, row: usize, run: &Run) {
    let bold = if run.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let line = if run.modifier.contains(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
    // The length keeps columns in line whatever font the viewer has.
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{bold}{line} xml:space=\"preserve\">{}</text>",
        run.column * CELL.0,
        row * CELL.1 + BASELINE,
        run.columns * CELL.0,
        hex(run.fore),
        escaped(&run.text)
    );
}

fn runs(buf: &Buffer, row: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while column < usize::from(buf.area.width) {
        let cell: &Cell = &buf[(buf.area.x + column as u16, buf.area.y + row as u16)];
        let columns = cell.symbol().width().max(1);
        let (fore, back) = colors(cell);
        let modifier = cell.modifier & (Modifier::BOLD | Modifier::UNDERLINED);
        match runs.last_mut() {
            Some(run) if (run.fore, run.back, run.modifier) == (fore, back, modifier) => {
                run.text += cell.symbol();
                run.columns += columns;
            }
            _ => runs.push(Run { column, columns, text: cell.symbol().to_owned(), fore, back, modifier }),
        }
        column += columns;
    }
    runs
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text as XML has it; what XML forbids was taken out when the screen was drawn.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::{
        layout::Rect,
        style::{Color, Style},
    };

    use super::*;

    #[test]
    fn letters_stay_letters_in_their_columns() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 2));
        buf.set_string(0, 0, "a < b & c", Style::new().fg(Color::Rgb(1, 2, 3)));
        buf.set_string(2, 1, "東x", Style::new().fg(Color::Rgb(255, 0, 0)).add_modifier(Modifier::BOLD));
        let svg = render(&buf);
        assert!(svg.contains(">a &lt; b &amp; c</text>") && svg.contains("fill=\"#010203\""), "{svg}");
        assert!(svg.contains("x=\"20\" y=\"35\" textLength=\"30\"") && svg.contains("font-weight=\"bold\""), "{svg}");
        assert_eq!(svg, render(&buf));
    }
}
