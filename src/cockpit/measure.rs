//! What the cockpit costs: time to draw, bytes on the line, its share of the training's time. Measured on a stored run.

use std::{
    cell::Cell,
    io::{self, Write},
    rc::Rc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use serde::Serialize;

use super::{
    App, Symbols, draw,
    theme::{ColorDepth, Theme, ThemeFile},
};
use crate::run::event::{Event, Phase, Progress, Record};

/// What was measured. Times in milliseconds, medians unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CockpitReport {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Records of the run.
    pub records: usize,
    /// Frames that were drawn.
    pub frames: usize,
    /// Folding all records and drawing the first frame.
    pub first_frame_ms: f64,
    /// Drawing a frame after a record or a progress came, bytes included.
    pub frame_ms: f64,
    /// The slowest hundredth of them.
    pub frame_p99_ms: f64,
    /// From a key to the end of its frame.
    pub key_to_frame_ms: f64,
    /// Bytes of a frame in which nothing has changed.
    pub idle_frame_bytes: usize,
    /// Bytes a second of the run's time, with as many frames as `fps` allows.
    pub training_bytes_per_second: f64,
    /// Time of folding and drawing as a share of the run's time.
    pub share_of_training: f64,
}

/// Counts what a terminal would be sent.
#[derive(Debug, Clone, Default)]
struct Counter(Rc<Cell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Watched {
    app: App,
    terminal: Terminal<CrosstermBackend<Counter>>,
    sent: Counter,
    times: Vec<f64>,
}

impl Watched {
    fn new(theme: ThemeFile, (width, height): (u16, u16)) -> io::Result<Self> {
        let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
        let sent = Counter::default();
        let backend = CrosstermBackend::new(sent.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let app = App::new(Theme::new(theme, ColorDepth::True), &Symbols::UNICODE, None);
        Ok(Self { app, terminal, sent, times: Vec::new() })
    }

    /// Draws a frame; gives the bytes it takes.
    fn frame(&mut self) -> io::Result<usize> {
        let before = self.sent.0.get();
        let begun = Instant::now();
        self.terminal.draw(|frame| draw(&mut self.app, frame.area(), frame.buffer_mut()))?;
        self.times.push(milliseconds(begun.elapsed()));
        Ok(self.sent.0.get() - before)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value below which a share of all lie.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(0.0)
}

/// Plays the last records of a run as they came, with a progress for every frame that `fps` allows between them.
///
/// # Errors
/// Never on a counter; the type is that of a terminal.
pub fn measure(records: &[Record], theme: ThemeFile, size: (u16, u16), fps: u32) -> io::Result<CockpitReport> {
    const PLAYED: usize = 200;
    let begun = Instant::now();
    let mut watched = Watched::new(theme, size)?;
    let (past, played) = records.split_at(records.len().saturating_sub(PLAYED));
    for record in past {
        watched.app.record(record);
    }
    watched.frame()?;
    let first_frame_ms = milliseconds(begun.elapsed());
    watched.times.clear();

    let (mut bytes, mut folding) = (0, 0.0);
    let mut clock = past.last().or(played.first()).map_or(0.0, |record| record.time);
    let start = clock;
    for record in played {
        // At most a minute's frames in a gap: a run may have been left over night.
        for frame in 1..=((record.time - clock).clamp(0.0, 60.0) * f64::from(fps)) as u64 {
            let progress =
                Progress { step: watched.app.run.step() + 1, phase: Phase::Rollout, done: frame * 7, total: 4096 };
            watched.app.record(&Record {
                seq: 0,
                time: clock + frame as f64 / f64::from(fps),
                event: Event::Progress(progress),
            });
            bytes += watched.frame()?;
        }
        clock = record.time;
        let begun = Instant::now();
        watched.app.record(record);
        folding += milliseconds(begun.elapsed());
        bytes += watched.frame()?;
    }
    let mut times = std::mem::take(&mut watched.times);
    let seconds = (clock - start).max(1e-9);
    let busy = (times.iter().sum::<f64>() + folding) / 1e3;

    let idle_frame_bytes = watched.frame()?;
    let mut keys = Vec::new();
    for code in
        [KeyCode::Down, KeyCode::Up, KeyCode::Tab, KeyCode::Char('z'), KeyCode::Char('2'), KeyCode::Char('1')].repeat(8)
    {
        let begun = Instant::now();
        watched.app.key(&KeyEvent::new(code, KeyModifiers::NONE));
        watched.frame()?;
        keys.push(milliseconds(begun.elapsed()));
    }
    Ok(CockpitReport {
        size,
        records: records.len(),
        frames: times.len(),
        first_frame_ms,
        frame_ms: quantile(&mut times, 0.5),
        frame_p99_ms: quantile(&mut times, 0.99),
        key_to_frame_ms: quantile(&mut keys, 0.5),
        idle_frame_bytes,
        training_bytes_per_second: bytes as f64 / seconds,
        share_of_training: busy / seconds,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::run::fixture::RunBuilder;

    #[test]
    fn a_run_is_measured_and_nothing_is_sent_where_nothing_changes() {
        let theme = ThemeFile::load("night", Path::new("")).unwrap();
        let report = measure(&RunBuilder::with_steps(12).records(), theme, (120, 40), 2).unwrap();
        assert!(report.frames > 24 && report.training_bytes_per_second > 0.0, "{report:?}");
        // A frame without changes resets colours and hides the cursor, no more; the loop does not even draw it.
        assert!(report.idle_frame_bytes < 32, "{report:?}");
        assert!(report.frame_p99_ms >= report.frame_ms && report.frame_ms > 0.0);
    }

    #[test]
    fn quantiles_are_values_of_the_list() {
        assert!((quantile(&mut [3.0, 1.0, 2.0], 0.5) - 2.0).abs() < 1e-12);
        assert!(quantile(&mut [], 0.5).abs() < 1e-12);
    }
}
