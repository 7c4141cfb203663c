//! Curves, bands, points and lines in a rectangle.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::dots::Dots;
use crate::{
    cockpit::{charts::Mark, symbols::Symbols},
    curve::{Point, Range, Scale},
};

/// What a plot shows and how.
pub struct Plot<'a> {
    /// Drawn one over the other.
    pub layers: Vec<Layer<'a>>,
    /// From the left to the right end.
    pub window: Range,
    /// Values from the bottom to the top.
    pub scale: Scale,
    /// Where the cursor is, if it is on.
    pub cursor: Option<(f64, Style)>,
}

/// Something in a plot. X rises along all points.
pub enum Layer<'a> {
    /// A curve.
    Curve(&'a [Point], Style),
    /// A dashed curve.
    Dashed(&'a [Point], Style),
    /// What lies between a low and a high value, loosely filled.
    Band(&'a [(f64, f64, f64)], Style),
    /// A dashed line at a value.
    Rule(f64, Style),
    /// Single points.
    Marks(&'a [Mark], Style),
    /// A curve's number where it ends, so that it needs no colour to be known.
    Number(usize, &'a [Point], Style),
}

struct Canvas<'a> {
    plot: &'a Plot<'a>,
    columns: usize,
    rows: usize,
}

impl Canvas<'_> {
    fn x(&self, x: f64) -> usize {
        let (window, last) = (self.plot.window, self.columns.saturating_sub(1));
        let share = if window.span() > 0.0 { ((x - window.min) / window.span()).clamp(0.0, 1.0) } else { 0.0 };
        (share * last as f64).round() as usize
    }

    fn y(&self, value: f64) -> usize {
        ((1.0 - self.plot.scale.share(value)) * self.rows.saturating_sub(1) as f64).round() as usize
    }

    /// Draws a curve. Of the points that share a column, the column shows the whole range; what has no place leaves a gap.
    fn trace(&self, dots: &mut Dots, curve: &[Point]) {
        let mut before: Option<(usize, usize)> = None;
        for (x, value) in curve {
            if !self.plot.scale.shows(*value) {
                before = None;
                continue;
            }
            let here = (self.x(*x), self.y(*value));
            match before {
                // Long runs have many points on the same dot.
                Some(last) if last == here => {}
                Some(last) => dots.line(last, here),
                None => dots.set(here.0, here.1),
            }
            before = Some(here);
        }
    }

    /// Fills a band with one dot a cell, so that a curve stands out from it without colours.
    fn fill(&self, dots: &mut Dots, rims: &[(f64, f64, f64)]) {
        let mut before: Option<(usize, usize, usize)> = None;
        for (x, low, high) in rims {
            let here = (self.x(*x), self.y(*low), self.y(*high));
            let from = before.unwrap_or(here);
            let across = here.0.saturating_sub(from.0).max(1);
            for column in (from.0..=here.0).filter(|column| column % 2 == 0) {
                let share = (column - from.0) as f64 / across as f64;
                let between = |a: usize, b: usize| (a as f64 + (b as f64 - a as f64) * share).round() as usize;
                for row in between(from.2, here.2)..=between(from.1, here.1) {
                    if row % 4 == column % 4 {
                        dots.set(column, row);
                    }
                }
            }
            before = Some(here);
        }
    }
}

/// Draws a plot.
pub fn render(plot: &Plot<'_>, symbols: &Symbols, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let canvas = Canvas { plot, columns: usize::from(area.width) * 2, rows: usize::from(area.height) * 4 };
    for layer in &plot.layers {
        draw(&canvas, layer, symbols, area, buf);
    }
    if let Some((x, style)) = plot.cursor {
        let x = area.x + (canvas.x(x) / 2) as u16;
        for y in area.y..area.bottom() {
            let Some(cell) = buf.cell_mut((x, y)) else { continue };
            if cell.symbol() == " " {
                cell.set_symbol(symbols.line);
            }
            cell.set_style(style);
        }
    }
}

fn draw(canvas: &Canvas<'_>, layer: &Layer<'_>, symbols: &Symbols, area: Rect, buf: &mut Buffer) {
    let mut dots = Dots::new(area);
    match layer {
        Layer::Curve([], _) | Layer::Dashed([], _) | Layer::Band([], _) => {}
        Layer::Curve(points, style) => {
            canvas.trace(&mut dots, points);
            dots.paint(*style, symbols, None, area, buf);
        }
        Layer::Dashed(points, style) => {
            canvas.trace(&mut dots, points);
            dots.dash();
            dots.paint(*style, symbols, None, area, buf);
        }
        Layer::Band(rims, style) => {
            canvas.fill(&mut dots, rims);
            dots.paint(*style, symbols, Some('.'), area, buf);
        }
        Layer::Rule(value, style) => {
            let y = canvas.y(*value);
            dots.line((0, y), (canvas.columns - 1, y));
            dots.dash();
            dots.paint(*style, symbols, None, area, buf);
        }
        Layer::Marks(marks, style) => {
            for mark in marks.iter().filter(|mark| canvas.plot.scale.shows(mark.value)) {
                sign(canvas, (mark.x, mark.value), symbols.eval, *style, area, buf);
            }
        }
        Layer::Number(number, points, style) => {
            if let Some(end) = points.iter().rev().find(|point| canvas.plot.scale.shows(point.1)) {
                sign(canvas, *end, &number.to_string(), *style, area, buf);
            }
        }
    }
}

fn sign(canvas: &Canvas<'_>, (x, value): Point, sign: &str, style: Style, area: Rect, buf: &mut Buffer) {
    let (x, y) = (canvas.x(x) / 2, canvas.y(value) / 4);
    if let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y as u16)) {
        cell.set_symbol(sign).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(layers: Vec<Layer<'_>>, window: (f64, f64), symbols: &Symbols) -> Vec<String> {
        let area = Rect::new(0, 0, 4, 2);
        let mut buf = Buffer::empty(area);
        let window = Range { min: window.0, max: window.1 };
        let plot = Plot { layers, window, scale: Scale::linear(Range { min: 0.0, max: 1.0 }), cursor: None };
        render(&plot, symbols, area, &mut buf);
        (0..2).map(|y| (0..4).map(|x| buf[(x, y)].symbol().to_owned()).collect()).collect()
    }

    fn curve(points: &[Point], symbols: &Symbols) -> Vec<String> {
        drawn(vec![Layer::Curve(points, Style::new())], (points[0].0, points[points.len() - 1].0), symbols)
    }

    #[test]
    fn a_rising_line_goes_from_corner_to_corner() {
        assert_eq!(curve(&[(1.0, 0.0), (8.0, 1.0)], &Symbols::UNICODE), ["  ⡠⠊", "⡠⠊  "]);
        assert_eq!(curve(&[(1.0, 0.0), (8.0, 1.0)], &Symbols::ASCII), ["  _'", "_'  "]);
    }

    #[test]
    fn a_nan_leaves_a_gap() {
        let points = [(1.0, 0.0), (2.0, 0.0), (3.0, f64::NAN), (4.0, f64::NAN), (5.0, 0.0), (8.0, 0.0)];
        assert_eq!(curve(&points, &Symbols::UNICODE)[1], "⣀ ⣀⣀");
    }

    #[test]
    fn marks_lie_over_the_curve() {
        let marks = [Mark { x: 8.0, value: 1.0 }, Mark { x: 4.0, value: f64::NAN }];
        let layers = vec![Layer::Curve(&[(1.0, 0.0), (8.0, 0.0)], Style::new()), Layer::Marks(&marks, Style::new())];
        assert_eq!(drawn(layers, (1.0, 8.0), &Symbols::UNICODE)[0], "   ◆");
    }

    #[test]
    fn a_band_is_loosely_filled_and_a_past_curve_is_dashed() {
        let band = [(0.0, 0.0, 1.0), (8.0, 0.0, 1.0)];
        let layers = vec![Layer::Band(&band, Style::new())];
        assert_eq!(drawn(layers, (0.0, 8.0), &Symbols::UNICODE), ["⠁⠄⠁⠄", "⠁⠄⠁⠄"]);
        let layers = vec![Layer::Band(&band, Style::new())];
        assert_eq!(drawn(layers, (0.0, 8.0), &Symbols::ASCII), ["....", "...."]);
        let points = [(0.0, 0.0), (8.0, 0.0)];
        assert_eq!(drawn(vec![Layer::Dashed(&points, Style::new())], (0.0, 8.0), &Symbols::UNICODE)[1], "⣀ ⣀ ");
        assert_eq!(drawn(vec![Layer::Number(2, &points, Style::new())], (0.0, 8.0), &Symbols::UNICODE)[1], "   2");
    }

    #[test]
    fn the_cursor_goes_around_what_is_drawn() {
        let area = Rect::new(0, 0, 2, 2);
        let mut buf = Buffer::empty(area);
        let points = [(1.0, 0.0), (2.0, 0.0)];
        let plot = Plot {
            layers: vec![Layer::Curve(&points, Style::new())],
            window: Range { min: 1.0, max: 2.0 },
            scale: Scale::linear(Range { min: 0.0, max: 1.0 }),
            cursor: Some((1.0, Style::new())),
        };
        render(&plot, &Symbols::UNICODE, area, &mut buf);
        assert_eq!((buf[(0, 0)].symbol(), buf[(0, 1)].symbol(), buf[(1, 0)].symbol()), ("│", "⣀", " "));
    }

    #[test]
    fn a_flat_series_runs_in_the_middle() {
        let area = Rect::new(0, 0, 2, 1);
        let mut buf = Buffer::empty(area);
        let points = [(1.0, 3.0), (2.0, 3.0)];
        let plot = Plot {
            layers: vec![Layer::Curve(&points, Style::new())],
            window: Range { min: 1.0, max: 2.0 },
            scale: Scale::linear(Range { min: 3.0, max: 3.0 }),
            cursor: None,
        };
        render(&plot, &Symbols::UNICODE, area, &mut buf);
        assert_eq!(buf[(0, 0)].symbol(), "⠤");
    }
}
