//! A run's stored events, for cockpits.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use flate2::read::GzDecoder;

use super::Failure;
use crate::{
    cockpit::{GroupSink, History, HistoryError},
    run::{
        event::{Event, LogLevel, LogLine, Record},
        folder::RunFolder,
        reporter::now,
        store::{PastSink, Portion, Reading, RunStore},
    },
};

/// Reads a run's store, which a trainer may be writing to, and which may be damaged: what can be read is shown, and once it is said
/// what cannot.
#[derive(Debug, Clone)]
pub struct StoredHistory(PathBuf, Arc<AtomicBool>);

impl StoredHistory {
    /// Of the store at `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned(), Arc::default())
    }
}

impl StoredHistory {
    /// What was read, with what is to be said of it once.
    fn told(&self, mut reading: Reading) -> Vec<Record> {
        if reading.damage.is_some() && !self.1.swap(true, Ordering::Relaxed) {
            let notes = reading.notes().into_iter();
            reading.records.extend(notes.map(|message| {
                let event = Event::Log(LogLine { level: LogLevel::Warn, message });
                Record { seq: 0, time: now(), event }
            }));
        }
        reading.records
    }
}

#[allow(clippy::needless_pass_by_value)] // As `map_err` hands it over.
fn failed(error: impl ToString) -> HistoryError {
    HistoryError(error.to_string())
}

impl History for StoredHistory {
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
        let read = RunStore::open_read_only(&self.0).and_then(|store| store.read(seq, usize::MAX));
        Ok(self.told(read.map_err(failed)?))
    }

    fn past(&self, groups: usize, sink: &mut PastSink<'_>) -> Result<(), HistoryError> {
        let reading = RunStore::open_read_only(&self.0).and_then(|store| store.past(groups, sink)).map_err(failed)?;
        sink(Portion::Records(self.told(reading)));
        Ok(())
    }

    fn groups(&self, steps: RangeInclusive<u64>, sink: &mut GroupSink<'_>) -> Result<(), HistoryError> {
        RunStore::open_read_only(&self.0).and_then(|store| store.groups(&steps, sink)).map_err(failed)
    }
}

/// The records of a run: of its folder, or of a file that `export RUN events` wrote, packed by gzip or not.
///
/// # Errors
/// There is neither, or it cannot be read; of a file, the line that is no record.
pub fn read_records(run: &Path) -> Result<Vec<Record>, Failure> {
    if !run.is_file() {
        return read_run(&RunFolder::open(run)?);
    }
    let failed =
        |error: &dyn std::fmt::Display| Failure::Environment(format!("cannot read {}: {error}", run.display()));
    let file = File::open(run).map_err(|error| failed(&error))?;
    let packed = run.extension().is_some_and(|extension| extension == "gz");
    let text: Box<dyn Read> = if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let lines = BufReader::new(text).lines().enumerate();
    lines
        .map(|(at, line)| {
            let line = line.map_err(|error| failed(&error))?;
            serde_json::from_str(&line).map_err(|error| {
                let (run, line) = (run.display(), at + 1);
                Failure::Usage(format!(
                    "{run}:{line}: no record of a run ({error}); `export RUN events` writes such files"
                ))
            })
        })
        .collect()
}

/// All that can be read of a run's store. What cannot is told on stderr.
///
/// # Errors
/// [`Failure::Environment`] if there is none, or a newer one.
pub fn read_run(folder: &RunFolder) -> Result<Vec<Record>, Failure> {
    let reading: Reading = RunStore::read_run(&folder.store()).map_err(|e| Failure::Environment(e.to_string()))?;
    for note in reading.notes() {
        super::warn(&note);
    }
    Ok(reading.records)
}
