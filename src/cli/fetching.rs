//! Models that are fetched from a hub while a command waits: a bar where somebody looks at a terminal, else lines in the log.

use std::{
    io::{self, IsTerminal, Write},
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::logging;
use crate::model::{ModelError, hub::Pace, locate::is_to_be_fetched, locate_or_fetch, locate_or_fetch_logged};

/// Between two drawings of the bar.
const PAUSE: Duration = Duration::from_millis(100);
/// Cells that a bar has at least, or it is left out, and at most.
const BAR: (usize, usize) = (10, 40);
/// Cells of a terminal that does not tell.
const WIDTH: usize = 80;
/// Back to the line's beginning, and nothing more on it.
const EMPTY_LINE: &str = "\r\u{1b}[K";

/// Whether there is a bar on the last line of the terminal.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// As [`locate_or_fetch`], and tells on stderr how far a transfer is.
///
/// # Errors
/// As [`locate_or_fetch`].
pub fn model(wanted: &str) -> Result<PathBuf, ModelError> {
    if is_to_be_fetched(wanted) {
        // Some commands have no log otherwise.
        logging::to_stderr();
    }
    let moves = std::env::var_os("TERM").is_none_or(|kind| kind != "dumb");
    if !(io::stderr().is_terminal() && moves) {
        return locate_or_fetch_logged(wanted);
    }
    let (mut pace, mut drawn) = (Pace::default(), None);
    let found = locate_or_fetch(wanted, &mut |done, total| {
        let now = Instant::now();
        pace.note(now, done);
        if done == total || drawn.is_none_or(|then| now.duration_since(then) >= PAUSE) {
            drawn = Some(now);
            let width = crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns));
            draw(&line(wanted, done, total, &pace, width));
        }
        ControlFlow::Continue(())
    });
    if DRAWN.swap(false, Ordering::Relaxed) {
        // Whoever has closed the terminal misses nothing.
        let _ = writeln!(io::stderr());
    }
    found
}

/// Takes the bar away, so that a line can be written where it was. It comes back with the next bytes.
pub fn make_way() {
    if DRAWN.swap(false, Ordering::Relaxed) {
        let _ = write!(io::stderr(), "{EMPTY_LINE}");
    }
}

fn draw(line: &str) {
    DRAWN.store(true, Ordering::Relaxed);
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{EMPTY_LINE}{line}").and_then(|()| stderr.flush());
}

/// One line of less than `width` cells: name, bar, figures; less of it where there is no room.
fn line(name: &str, done: u64, total: u64, pace: &Pace, width: usize) -> String {
    let figures = pace.describe(total);
    let room = width.saturating_sub(1);
    let bar = room.saturating_sub(name.chars().count() + figures.chars().count() + 4).min(BAR.1);
    let text = if bar < BAR.0 {
        format!("{name} {figures}")
    } else {
        let full = (u128::from(done) * bar as u128).checked_div(u128::from(total)).unwrap_or(bar as u128) as usize;
        format!("{name} [{:<bar$}] {figures}", "=".repeat(full.min(bar)))
    };
    text.chars().take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_half(width: usize) -> String {
        let mut pace = Pace::default();
        pace.note(Instant::now(), 1 << 20);
        line("org/tiny", 1 << 20, 2 << 20, &pace, width)
    }

    #[test]
    fn a_line_takes_the_room_that_there_is() {
        assert_eq!(at_half(200), format!("org/tiny [{:<40}]  50 %  1.0 of 2.0 MiB", "=".repeat(20)));
        assert_eq!(at_half(60), format!("org/tiny [{:<26}]  50 %  1.0 of 2.0 MiB", "=".repeat(13)));
        assert_eq!(at_half(40), "org/tiny  50 %  1.0 of 2.0 MiB");
        assert_eq!(at_half(16), "org/tiny  50 % ");
        assert_eq!(at_half(0), "");
        for width in 1..120 {
            assert!(at_half(width).len() < width);
        }
    }

    #[test]
    fn nothing_is_drawn_over_where_there_is_no_bar() {
        assert!(!DRAWN.load(Ordering::Relaxed));
        make_way();
        assert!(!DRAWN.load(Ordering::Relaxed));
    }
}
