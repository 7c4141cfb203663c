//! A cockpit before a terminal that only counts.

use std::{
    cell::Cell,
    io::{self, Write},
    rc::Rc,
    time::Duration,
};

use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    cockpit::{
        App, Symbols, draw,
        theme::{ColorDepth, Theme, ThemeFile},
    },
    run::event::Record,
};

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

/// Time that this thread has worked: unlike the clock on the wall it does not grow while others have the processor.
pub fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The cockpit with its times.
pub struct Watched {
    pub app: App,
    terminal: Terminal<CrosstermBackend<Counter>>,
    sent: Counter,
    /// Milliseconds of each frame.
    pub times: Vec<f64>,
    /// Milliseconds of folding.
    pub folding: f64,
}

impl Watched {
    pub fn new(theme: &ThemeFile, (width, height): (u16, u16)) -> io::Result<Self> {
        let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
        let sent = Counter::default();
        let backend = CrosstermBackend::new(sent.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let app = App::new(Theme::new(theme.clone(), ColorDepth::True), &Symbols::UNICODE, None);
        Ok(Self { app, terminal, sent, times: Vec::new(), folding: 0.0 })
    }

    /// Folds a record.
    pub fn fold(&mut self, record: &Record) {
        let begun = worked();
        self.app.record(record);
        self.folding += milliseconds(worked().saturating_sub(begun));
    }

    /// Draws a frame; gives the bytes it takes.
    pub fn frame(&mut self) -> io::Result<usize> {
        let before = self.sent.0.get();
        let begun = worked();
        self.terminal.draw(|frame| draw(&mut self.app, frame.area(), frame.buffer_mut()))?;
        self.times.push(milliseconds(worked().saturating_sub(begun)));
        Ok(self.sent.0.get() - before)
    }
}
