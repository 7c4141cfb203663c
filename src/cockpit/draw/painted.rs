//! Plots as they were painted, kept for as long as they would look the same.
//!
//! Most frames are drawn for something else than the curves: progress, a key, the log.

use std::{cell::RefCell, sync::Arc};

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Style,
};

use crate::cockpit::charts::Picture;

/// Plots kept at most: more than a page of charts.
const LIMIT: usize = 32;

/// What a plot looks like depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Columns and rows.
    pub size: (u16, u16),
    /// A cell of the ground that it is painted on, which is all the same.
    pub ground: Cell,
    /// Of all that is painted, in an order that does not change.
    pub styles: Vec<Style>,
    /// The place of the cursor, where it is in view.
    pub cursor: Option<f64>,
    /// Whether signs are ASCII.
    pub ascii: bool,
}

#[derive(Debug)]
struct Plot {
    picture: Arc<Picture>,
    look: Look,
    cells: Buffer,
}

/// The plots painted last.
#[derive(Debug, Default)]
pub struct Painted(RefCell<Vec<Plot>>);

impl Painted {
    /// Puts a picture's plot into `area`; `paint` is asked for it, in a buffer that begins at 0, unless it is known.
    pub fn put(
        &self,
        picture: &Arc<Picture>,
        look: Look,
        area: Rect,
        buf: &mut Buffer,
        paint: impl FnOnce(Rect, &mut Buffer),
    ) {
        let mut plots = self.0.borrow_mut();
        let known = plots.iter().position(|plot| Arc::ptr_eq(&plot.picture, picture) && plot.look == look);
        let at = known.unwrap_or_else(|| {
            // Pictures that nobody else has are of the past.
            plots.retain(|plot| Arc::strong_count(&plot.picture) > 1 && !Arc::ptr_eq(&plot.picture, picture));
            let over = (plots.len() + 1).saturating_sub(LIMIT);
            plots.drain(..over);
            let whole = Rect::new(0, 0, area.width, area.height);
            let mut cells = Buffer::filled(whole, look.ground.clone());
            paint(whole, &mut cells);
            plots.push(Plot { picture: Arc::clone(picture), look, cells });
            plots.len() - 1
        });
        copy(&plots[at].cells, area, buf);
    }
}

fn copy(cells: &Buffer, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let within = area.intersection(buf.area);
    for (row, from) in (within.top()..within.bottom()).zip(cells.content.chunks(width.max(1))) {
        let start = buf.index_of(within.x, row);
        let columns = usize::from(within.width);
        buf.content[start..start + columns].clone_from_slice(&from[..columns]);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell as Count;

    use ratatui::style::Color;

    use super::*;
    use crate::{
        cockpit::{
            charts::{self, Place, Sources},
            fixture::RunBuilder,
            state::{Axis, RunView},
        },
        curve::{Range, Spacing},
        run::event::Method,
    };

    fn picture() -> Arc<Picture> {
        let run = RunView::replay(&RunBuilder::with_steps(20).records());
        let smoothing = Place::default().smoothing;
        let window = Range { min: 1.0, max: 20.0 };
        let look = charts::Look {
            axis: Axis::Step,
            steps: (1, 20),
            spacing: Spacing::default(),
            window,
            smoothing,
            envelope: false,
            log: false,
            bands: true,
            columns: 60,
        };
        Arc::new(Picture::of(Sources { run: &run, ghost: None, limit: None }, &charts::charts(Method::Grpo)[0], &look))
    }

    fn look() -> Look {
        Look { size: (4, 2), ground: Cell::new("."), styles: vec![Style::new()], cursor: None, ascii: false }
    }

    #[test]
    fn a_plot_is_painted_again_when_and_only_when_it_would_look_different() {
        let (painted, picture, times) = (Painted::default(), picture(), Count::new(0));
        let area = Rect::new(3, 1, 4, 2);
        let put = |picture: &Arc<Picture>, look: Look| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 9, 4));
            painted.put(picture, look, area, &mut buf, |area, cells| {
                times.set(times.get() + 1);
                cells.set_string(area.x + 1, area.y + 1, "ab", Style::new().fg(Color::Red));
            });
            (buf[(3, 1)].symbol().to_owned(), buf[(4, 2)].clone(), buf[(7, 2)].symbol().to_owned())
        };
        let first = put(&picture, look());
        assert_eq!((first.0.as_str(), first.1.symbol(), first.1.fg, first.2.as_str()), (".", "a", Color::Red, " "));
        assert_eq!((put(&picture, look()), times.get()), (first, 1));
        for other in [
            Look { cursor: Some(3.0), ..look() },
            Look { styles: vec![Style::new().fg(Color::Blue)], ..look() },
            Look { ground: Cell::new(" "), ..look() },
        ] {
            let before = times.get();
            put(&picture, other);
            assert_eq!(times.get(), before + 1);
        }
        put(&self::picture(), look());
        assert_eq!(times.get(), 5, "an equal picture may be another one's");
    }
}
