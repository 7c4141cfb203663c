//! What happened at which step, as ticks on the frames of charts.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::curves::x_of;
use crate::cockpit::{
    app::App,
    charts::Picture,
    state::{Marker, MarkerKind},
};

/// Of so many columns one may have a mark of what happens again and again; more would be a frame of marks.
const CROWD: usize = 3;

/// Marks the steps in view on the frame around `inner`, the rarest kinds last.
pub fn render(app: &App, picture: &Picture, inner: Rect, area: Rect, buf: &mut Buffer) {
    if inner.is_empty() || picture.window.span() <= 0.0 {
        return;
    }
    let columns = usize::from(inner.width);
    let column = |marker: &Marker| {
        let share = (x_of(app, marker.step) - picture.window.min) / picture.window.span();
        (0.0..=1.0).contains(&share).then(|| ((share * (columns * 2 - 1) as f64).round() as usize / 2) as u16)
    };
    for routine in [true, false] {
        let seen = app.run.markers().iter().filter(|marker| marker.kind.is_routine() == routine);
        let mut places: Vec<(u16, MarkerKind)> =
            seen.filter_map(|marker| Some((column(marker)?, marker.kind))).collect();
        places.dedup_by_key(|place| place.0);
        if routine && places.len() > columns / CROWD {
            continue;
        }
        for (x, kind) in places {
            let (signs, style) = look(app, kind);
            for (y, sign) in [(area.y, signs[0]), (area.bottom() - 1, signs[1])] {
                if let Some(cell) = buf.cell_mut((inner.x + x, y)) {
                    cell.set_symbol(sign).set_style(style);
                }
            }
        }
    }
}

fn look(app: &App, kind: MarkerKind) -> ([&'static str; 2], Style) {
    let (symbols, theme) = (app.symbols, &app.theme);
    match kind {
        MarkerKind::Checkpoint | MarkerKind::Evaluation => (symbols.tick, theme.muted()),
        MarkerKind::Alarm(_) => ([symbols.alarm; 2], theme.bad()),
        MarkerKind::Change => ([symbols.change; 2], theme.accent()),
    }
}
