//! The row of a replayed run: where it is, how fast it goes.

use ratatui::{buffer::Buffer, layout::Rect};

use super::widgets::{gauge, put, put_spans};
use crate::cockpit::{app::App, figures, tape::Tape, text};

/// Draws the row; without a tape there is none.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(tape) = app.tape() else { return };
    if area.is_empty() {
        return;
    }
    let theme = &app.theme;
    if tape.last_seq() == 0 {
        put(buf, area.x + 1, area.y, area.right(), "the run is being read", theme.muted());
        return;
    }
    let (sign, style) = match (tape.is_playing(), tape.is_at_end()) {
        (true, false) => (app.symbols.playing, theme.good()),
        (true, true) => (app.symbols.right, theme.muted()),
        (false, _) => (app.symbols.paused, theme.warn()),
    };
    let mut x = put(buf, area.x + 1, area.y, area.right(), sign, style);
    x = put(buf, x, area.y, area.right(), &format!(" {} ", speed(tape)), theme.strong());
    let max = app.run.max_steps().map_or_else(String::new, |max| format!("/{max}"));
    let place = format!(" step {}{max} ", app.run.step());
    let time =
        format!("{} {} of {} ", app.symbols.dot, figures::duration(tape.clock()), figures::duration(tape.length()));
    let words = text::width(&place) + text::width(&time);
    let room = usize::from(area.right().saturating_sub(x)).saturating_sub(words);
    if room >= 6 {
        let share = if tape.length() > 0.0 { tape.clock() / tape.length() } else { 1.0 };
        x = put_spans(buf, x, area.y, area.right(), &gauge(app, share, room));
    }
    x = put(buf, x, area.y, area.right(), &place, theme.strong());
    put(buf, x, area.y, area.right(), &time, theme.muted());
}

/// The speed as on a player: `8x`, `1/4x`.
fn speed(tape: &Tape) -> String {
    let speed = tape.speed();
    if speed < 1.0 && (1.0 / speed).fract() < 1e-9 {
        return format!("1/{:.0}x", 1.0 / speed);
    }
    format!("{}x", (speed * 100.0).round() / 100.0)
}
