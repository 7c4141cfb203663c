//! The program's own log: stderr where nothing else is drawn, a file where the cockpit has the screen.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt};

use super::fetching;
use crate::harmless::Harmless;

fn filter() -> EnvFilter {
    EnvFilter::try_from_env("SQLR1_LOG").unwrap_or_else(|_| EnvFilter::new("warn,sqlr1_tui=info"))
}

/// A log that nobody reads any more must not end a run: what cannot be written is left out. (Told of a failure, the subscriber would
/// print it on stderr, of all places, and panic.)
struct Careless<W>(W);

impl<W: Write> Write for Careless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.0.write(bytes).unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        // As above.
        let _ = self.0.flush();
        Ok(())
    }
}

/// Logs to stderr. `SQLR1_LOG` takes a filter, as in `debug` or `sqlr1_tui::rl=trace`.
pub fn to_stderr() {
    // A second call, as in tests, keeps the first one's log.
    let writer = || {
        fetching::make_way();
        Harmless::text(Careless(std::io::stderr()))
    };
    let _ = fmt().with_env_filter(filter()).with_target(false).with_writer(writer).try_init();
}

/// The file that takes the log, where there is one.
static LOG: Mutex<Option<File>> = Mutex::new(None);

/// Writes to whatever file takes the log now: of several runs in a process each has its own.
struct CurrentFile;

impl Write for CurrentFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut file = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_mut().map_or(Ok(()), File::flush)
    }
}

/// Logs to a file, appending, and no more to the one before.
///
/// # Errors
/// The file cannot be opened.
pub fn to_file(path: &Path) -> std::io::Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    *LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    let _ = fmt()
        .with_env_filter(filter())
        .with_target(false)
        .with_ansi(false)
        .with_writer(|| Harmless::text(Careless(CurrentFile)))
        .try_init();
    Ok(())
}
