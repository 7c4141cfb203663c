//! TensorBoard's event files of a run.
//!
//! A run has one file, in a folder of its own. A trainer that takes the run up again writes a new one, with what stands of the past, and
//! removes the one before: no reader sees steps twice that were computed anew.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{ExportError, Target, event_file, scalars};
use crate::run::{
    atomic,
    event::{Event, Record},
    standing::standing,
    store::RunStore,
};

/// What our files' names begin with, so that TensorBoard knows them, and end with, so that we do.
const NAME: (&str, &str) = ("events.out.tfevents.", ".sqlr1-tui");

/// Writes the figures of a run's records into one event file in `dir`, in place of any older one of the same run; its path.
///
/// # Errors
/// Nothing was measured, or the file cannot be written.
pub fn write(records: &[Record], dir: &Path) -> Result<PathBuf, ExportError> {
    let mut runs = records.iter().filter(|record| matches!(record.event, Event::Run(_)));
    let first = runs.next().ok_or(ExportError::Empty)?.time;
    let newest = runs.next_back().map_or(first, |record| record.time);
    let standing = standing(records);
    let begin = standing.iter().find_map(|record| scalars::of(&record.event)).ok_or(ExportError::Empty)?.step;
    let mut bytes = event_file::version(newest);
    bytes.extend(event_file::session_start(newest, begin));
    bytes.extend(standing.into_iter().flat_map(frames));
    // The first number is what TensorBoard sorts by; the second is the same as long as it is the same run.
    let tail = format!(".{:.0}{}", first * 1000.0, NAME.1);
    let path = dir.join(format!("{}{newest:010.0}{tail}", NAME.0));
    let written = fs::create_dir_all(dir).and_then(|()| atomic::write(&path, &bytes));
    written.and_then(|()| remove_others(dir, &tail, &path)).map_err(cannot_write(&path))?;
    Ok(path)
}

fn frames(record: &Record) -> Vec<u8> {
    scalars::of(&record.event)
        .map_or_else(Vec::new, |found| event_file::scalars(record.time, found.step, &found.values))
}

/// Removes older files of the same run.
fn remove_others(dir: &Path, tail: &str, kept: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path != kept && name.starts_with(NAME.0) && name.ends_with(tail) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The step of the newest evaluation.
fn newest_eval(records: &[Record]) -> Option<u64> {
    records.iter().rev().find(|record| matches!(record.event, Event::Eval(_)))?.event.step()
}

/// Whether a file still has its place: an export into the same folder puts another one there.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::Write { path, source }
}

/// A run's event file that grows with the run.
#[derive(Debug)]
pub struct TensorBoard {
    dir: PathBuf,
    /// The newest record written.
    seq: u64,
    /// The step of the newest evaluation written.
    evaluated: Option<u64>,
    file: Option<(File, PathBuf)>,
}

impl TensorBoard {
    /// Writes into `dir`, which the run has for itself.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), seq: 0, evaluated: None, file: None }
    }

    fn begin(&mut self, store: &RunStore) -> Result<(), ExportError> {
        let records = store.read(0, usize::MAX)?.records;
        let path = match write(&records, &self.dir) {
            Err(ExportError::Empty) => return Ok(()),
            path => path?,
        };
        let file = File::options().append(true).open(&path).map_err(cannot_write(&path))?;
        (self.seq, self.evaluated) = (records.last().map_or(0, |record| record.seq), newest_eval(&records));
        self.file = Some((file, path));
        Ok(())
    }
}

impl Target for TensorBoard {
    fn name(&self) -> &'static str {
        "TensorBoard's event file"
    }

    fn catch_up(&mut self, store: &RunStore) -> Result<(), ExportError> {
        let Some((file, path)) = &mut self.file else { return self.begin(store) };
        if !is_at(file, path) {
            return self.begin(store);
        }
        let news = store.read(self.seq, usize::MAX)?.records;
        let evaluated = newest_eval(&news);
        let again = |record: &Record| matches!(&record.event, Event::Eval(done) if Some(done.step) == self.evaluated);
        let repeated = news.iter().any(again);
        if repeated || news.iter().any(|record| matches!(record.event, Event::Run(_))) {
            return self.begin(store);
        }
        let bytes: Vec<u8> = standing(&news).into_iter().flat_map(frames).collect();
        if let Err(source) = file.write_all(&bytes) {
            let path = path.clone();
            // Who knows how much of it was written: the next try begins a new file.
            self.file = None;
            return Err(ExportError::Write { path, source });
        }
        self.seq = news.last().map_or(self.seq, |record| record.seq);
        self.evaluated = evaluated.or(self.evaluated);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::RunBuilder;

    /// The frames' messages.
    fn messages(path: &Path) -> Vec<Vec<u8>> {
        let (bytes, mut at, mut found) = (fs::read(path).unwrap(), 0, Vec::new());
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
            found.push(bytes[at + 12..at + 12 + length].to_vec());
            at += 16 + length;
        }
        found
    }

    /// Steps with a reward, in the order of the file.
    fn steps(path: &Path) -> Vec<u64> {
        let scalars = messages(path).into_iter().filter(|m| m.windows(8).any(|w| w == b"\x06reward\x15"));
        scalars.map(|m| u64::from(m[10] & 0x7F) | if m[10] > 0x7F { u64::from(m[11]) << 7 } else { 0 }).collect()
    }

    fn only_file(dir: &Path) -> PathBuf {
        let found: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [path] = &found[..] else { panic!("{found:?}") };
        path.clone()
    }

    fn store_of(records: &[Record], path: &Path) -> RunStore {
        let mut store = RunStore::open(path).unwrap();
        for record in records.iter().filter(|record| record.event.is_stored()) {
            store.append(record.time, record.event.clone()).unwrap();
        }
        store
    }

    #[test]
    fn a_resumed_run_has_each_step_once_and_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = RunBuilder::with_steps(30);
        write(&run.records(), dir.path()).unwrap();
        fs::write(dir.path().join("events.out.tfevents.1.another"), "not ours").unwrap();
        run.resume(20);
        for step in 21..=25 {
            run.step(step);
        }
        let path = write(&run.records(), dir.path()).unwrap();
        assert_eq!(steps(&path), (1..=25).collect::<Vec<_>>());
        fs::remove_file(dir.path().join("events.out.tfevents.1.another")).unwrap();
        assert_eq!(only_file(dir.path()), path);
    }

    #[test]
    fn a_file_that_grows_ends_as_one_that_is_written_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (db, live) = (dir.path().join("run.db"), dir.path().join("live"));
        let mut run = RunBuilder::with_steps(30);
        run.resume(20);
        for step in 21..=140 {
            run.step(step);
        }
        run.eval(140, 9).eval(140, 9);
        let records = run.records();
        let mut board = TensorBoard::new(&live);
        for some in [0..1, 1..40, 40..90, 90..91, 91..records.len() - 1, records.len() - 1..records.len()] {
            let mut store = store_of(&records[some], &db);
            board.catch_up(&store).unwrap();
            board.catch_up(&store).unwrap();
            store = RunStore::open_read_only(&db).unwrap();
            board.catch_up(&store).unwrap();
        }
        let whole = write(&records, &dir.path().join("whole")).unwrap();
        let grown = only_file(&live);
        assert_eq!(grown.file_name(), whole.file_name());
        assert_eq!(steps(&grown), (1..=140).collect::<Vec<_>>());
        assert_eq!(fs::read(grown).unwrap(), fs::read(whole).unwrap());
    }

    #[test]
    fn an_export_into_the_folder_of_a_file_that_grows_does_not_end_it() {
        let dir = tempfile::tempdir().unwrap();
        let (db, live) = (dir.path().join("run.db"), dir.path().join("live"));
        let records = RunBuilder::with_steps(30).records();
        let (first, rest) = records.split_at(records.len() / 2);
        let mut board = TensorBoard::new(&live);
        board.catch_up(&store_of(first, &db)).unwrap();
        let store = store_of(rest, &db);
        write(&records[..records.len() - 5], &live).unwrap();
        board.catch_up(&store).unwrap();
        assert_eq!(steps(&only_file(&live)), (1..=30).collect::<Vec<_>>());
        fs::remove_file(only_file(&live)).unwrap();
        board.catch_up(&store).unwrap();
        assert_eq!(steps(&only_file(&live)), (1..=30).collect::<Vec<_>>(), "one that was removed is written again");
    }

    #[test]
    fn what_has_no_step_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(write(&RunBuilder::new().records(), dir.path()), Err(ExportError::Empty)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
