use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::run::{
    event::{EndReason, LogLevel, LogLine, RunEnded, StepDone},
    metrics::{self, Metrics},
};

fn line(text: &str) -> Event {
    Event::Log(LogLine { level: LogLevel::Info, message: text.into() })
}

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.db");
    (dir, path)
}

/// A store of so many lines, all in its main file.
fn filled(path: &Path, lines: u32) -> Vec<Record> {
    let mut store = RunStore::open(path).unwrap();
    store.db.execute_batch("BEGIN").unwrap();
    let text = |i| format!("line {i} {}", "x".repeat(300));
    let written = (1..=lines).map(|i| store.append(f64::from(i), line(&text(i))).unwrap()).collect();
    store.db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    written
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Changes a byte in the text of an event, leaving JSON as it was.
fn change_text(path: &Path, needle: &str) {
    let bytes = fs::read(path).unwrap();
    let at = bytes.windows(needle.len()).position(|w| w == needle.as_bytes()).unwrap();
    overwrite(path, at as u64, b"L");
}

#[test]
fn records_come_back_in_order_and_in_pages() {
    let (_dir, path) = place();
    let mut store = RunStore::open(&path).unwrap();
    let written: Vec<_> = (0..5).map(|i| store.append(f64::from(i), line(&i.to_string())).unwrap()).collect();
    assert_eq!(written.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let reader = RunStore::open_read_only(&path).unwrap();
    assert_eq!(reader.since(0, 2).unwrap(), written[..2]);
    assert_eq!(reader.since(2, 100).unwrap(), written[2..]);
    drop(store);
    let mut again = RunStore::open(&path).unwrap();
    assert_eq!(again.append(9.0, line("more")).unwrap().seq, 6);
}

#[test]
fn a_step_with_nan_is_stored_and_read() {
    let (_dir, path) = place();
    let mut store = RunStore::open(&path).unwrap();
    let mut metrics = Metrics::default();
    metrics.set(metrics::LOSS, f64::INFINITY);
    store.append(0.0, Event::Step(StepDone { step: 3, metrics })).unwrap();
    let back = store.since(0, 10).unwrap();
    let Event::Step(step) = &back[0].event else { panic!("not a step") };
    assert!(step.step == 3 && step.metrics.get(metrics::LOSS).unwrap().is_nan());
}

/// A store as version 1 of the program left it.
fn version_1(path: &Path) -> Vec<Record> {
    let db = Connection::open(path).unwrap();
    db.execute_batch(schema::VERSION_1).unwrap();
    let events = [
        line("old"),
        Event::End(RunEnded { step: 7, reason: EndReason::Completed, message: None, checkpoint: None, best: None }),
    ];
    (1..)
        .zip(events)
        .map(|(seq, event)| {
            let body = serde_json::to_string(&event).unwrap();
            let step = event.step().map(|s| s as i64);
            let insert = "INSERT INTO events (seq, time, type, step, body) VALUES (?1, 0.5, ?2, ?3, ?4)";
            db.execute(insert, params![seq, event.kind(), step, body]).unwrap();
            Record { seq: seq as u64, time: 0.5, event }
        })
        .collect()
}

#[test]
fn an_older_store_is_read_as_it_is_and_migrated_by_its_writer() {
    let (_dir, path) = place();
    let written = version_1(&path);
    let before = fs::read(&path).unwrap();
    assert_eq!(RunStore::open_read_only(&path).unwrap().since(0, 9).unwrap(), written);
    assert_eq!(fs::read(&path).unwrap(), before, "reading changes nothing");
    let mut store = RunStore::open(&path).unwrap();
    assert_eq!(store.append(1.0, line("new")).unwrap().seq, 3);
    drop(store);
    let reader = RunStore::open_read_only(&path).unwrap();
    assert_eq!((reader.version, reader.since(0, 9).unwrap().len()), (STORE_VERSION, 3));
    drop(reader);
    change_text(&path, "old");
    assert!(RunStore::read_run(&path).unwrap().damage.is_some(), "old events have checksums now");
}

#[test]
fn a_newer_store_and_other_files_are_refused_with_words() {
    let (dir, path) = place();
    drop(RunStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for refused in
        [RunStore::open(&path), RunStore::open_read_only(&path), RunStore::take_up(&path).map(|taken| taken.0)]
    {
        let text = refused.unwrap_err().to_string();
        for part in [path.to_str().unwrap(), "version 99", "up to 2", "a newer one"] {
            assert!(text.contains(part), "{text}");
        }
    }
    let rubbish = dir.path().join("rubbish.db");
    fs::write(&rubbish, vec![7_u8; 5000]).unwrap();
    assert!(matches!(RunStore::open(&rubbish), Err(StoreError::Damaged(_))));
    let other = dir.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(RunStore::open_read_only(&other), Err(StoreError::NoStore { .. })));
    assert!(matches!(RunStore::open_read_only(&dir.path().join("none.db")), Err(StoreError::Sqlite { .. })));
}

#[test]
fn events_of_a_newer_program_are_counted_and_passed_over() {
    let (_dir, path) = place();
    let mut store = RunStore::open(&path).unwrap();
    store.append(1.0, line("a")).unwrap();
    for (seq, body) in [(2, r#"{"type":"hologram","step":4}"#), (3, r#"{"type":"state","state":"dreaming"}"#)] {
        store.insert(seq, 1.0, "hologram", None, body).unwrap();
    }
    store.last = 3;
    store.append(2.0, line("b")).unwrap();
    let reading = RunStore::read_run(&path).unwrap();
    assert_eq!(reading.records.iter().map(|r| r.event.kind()).collect::<Vec<_>>(), ["log", "other", "other", "log"]);
    assert_eq!((reading.unknown, &reading.damage), (2, &None));
    assert!(reading.notes()[0].contains("2 events"), "{:?}", reading.notes());
    let text = r#"{"type":"run","schema_version":99,"program_version":"7.1","name":"","run_dir":"","settings":{},"seed":1,
        "device":"","model":{"name":"","path":"","architecture":"","parameters":0,"trainable_parameters":0,"weight_bytes":0,
        "formats":""},"data":{"root":"","train":0,"dev":0},"max_steps":1,"memory_source":"process","resumed_from":null}"#;
    store.insert(5, 1.0, "run", None, text).unwrap();
    let refused = store.since(0, 9).unwrap_err().to_string();
    assert!(refused.contains("schema 99") && refused.contains("7.1"), "{refused}");
}

#[test]
fn a_flipped_byte_in_an_event_is_noticed_and_the_other_events_are_read() {
    let (_dir, path) = place();
    let written = filled(&path, 9);
    change_text(&path, "line 5");
    assert!(matches!(RunStore::open_read_only(&path).unwrap().since(0, 99), Err(StoreError::Damaged(_))));
    let reading = RunStore::read_run(&path).unwrap();
    let expected: Vec<_> = written.iter().filter(|record| record.seq != 5).cloned().collect();
    assert_eq!(reading.records, expected);
    let text = reading.notes().join(" ");
    assert!(
        text.contains(path.to_str().unwrap()) && text.contains("8 events could be read, 1 or more are lost"),
        "{text}"
    );
}

#[test]
fn around_a_destroyed_page_the_events_before_and_after_are_read() {
    let (_dir, path) = place();
    let written = filled(&path, 400);
    let pages = fs::metadata(&path).unwrap().len() / 4096;
    overwrite(&path, pages / 2 * 4096, &[0xff; 4096]);
    let reading = RunStore::read_run(&path).unwrap();
    let damage = reading.damage.unwrap();
    assert!(damage.lost > 0 && damage.lost < 40, "{damage}");
    assert_eq!(damage.read + damage.lost, 400);
    let (first, last) = (reading.records.first().unwrap(), reading.records.last().unwrap());
    assert_eq!((first, last), (&written[0], &written[399]));
    assert!(reading.records.iter().all(|record| written[record.seq as usize - 1] == *record));
}

#[test]
fn a_store_cut_short_is_taken_up_with_what_it_still_has() {
    let (dir, path) = place();
    let written = filled(&path, 400);
    let whole = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(whole * 2 / 3).unwrap();
    let damaged = fs::read(&path).unwrap();
    let (mut store, note) = RunStore::take_up(&path).unwrap();
    let note = note.unwrap();
    assert!(note.contains("run.db is damaged") && note.contains("run.db.damaged-0"), "{note}");
    let kept = store.since(0, usize::MAX).unwrap();
    assert!(kept.len() > 100 && kept.len() < 400, "{note}");
    assert_eq!(kept, written[..kept.len()]);
    assert_eq!(store.append(1.0, line("on")).unwrap().seq, kept.len() as u64 + 1);
    drop(store);
    assert_eq!(fs::read(dir.path().join("run.db.damaged-0")).unwrap(), damaged, "nothing is thrown away");
    assert!(RunStore::take_up(&path).unwrap().1.is_none(), "the new one is whole");
    let names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains("tmp")), "{names:?}");
}

#[test]
fn a_store_whose_header_is_gone_is_replaced_by_an_empty_one() {
    let (_dir, path) = place();
    filled(&path, 20);
    overwrite(&path, 0, &[0; 120]);
    let (store, note) = RunStore::take_up(&path).unwrap();
    assert_eq!(store.since(0, 9).unwrap(), []);
    assert!(note.unwrap().contains("0 events could be read"));
}

#[test]
fn rebuilding_twice_keeps_both_damaged_files_and_unknown_events() {
    let (dir, path) = place();
    filled(&path, 5);
    let store = RunStore::open(&path).unwrap();
    let body = r#"{"type":"hologram","step":4}"#;
    store.insert(6, 1.0, "hologram", Some(4), body).unwrap();
    store.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(store);
    for (round, needle) in [(0, "line 2"), (1, "line 4")] {
        change_text(&path, needle);
        assert!(RunStore::take_up(&path).unwrap().1.is_some());
        assert!(dir.path().join(format!("run.db.damaged-{round}")).exists());
    }
    let store = RunStore::open(&path).unwrap();
    let kept: String = store.db.query_row("SELECT body FROM events WHERE step = 4", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, body);
    assert_eq!(store.since(0, 9).unwrap().iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3, 4], "no gaps");
}

#[test]
fn where_the_write_ahead_log_is_refused_the_rollback_journal_serves() {
    let (_dir, path) = place();
    // This way of SQLite's to lock files has no shared memory, as network file systems have none.
    let mut store = RunStore::open_through(&path, Some("unix-dotfile")).unwrap();
    let setting = |name: &str| -> rusqlite::types::Value {
        store.db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(setting("journal_mode"), rusqlite::types::Value::Text("delete".into()));
    assert_eq!(setting("synchronous"), rusqlite::types::Value::Integer(2));
    store.append(1.0, line("kept")).unwrap();
    drop(store);
    assert_eq!(RunStore::open_read_only(&path).unwrap().since(0, 9).unwrap().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is done to the file: no panic, no made-up event, and the run can be taken up.
    #[test]
    fn no_damage_blocks_a_resumption_or_invents_an_event(
        flips in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..6),
        cut in prop::option::of(0.0..1.0_f64),
    ) {
        let (_dir, path) = place();
        let written = filled(&path, 60);
        let length = fs::metadata(&path).unwrap().len() as f64;
        for (at, byte) in flips {
            overwrite(&path, (at * length) as u64, &[byte]);
        }
        if let Some(cut) = cut {
            fs::File::options().write(true).open(&path).unwrap().set_len((cut * length) as u64).unwrap();
        }
        if let Ok(reading) = RunStore::read_run(&path) {
            for record in reading.records {
                prop_assert!(written.contains(&record));
            }
        }
        match RunStore::take_up(&path) {
            Ok((mut store, _)) => {
                let kept = store.since(0, usize::MAX).unwrap();
                prop_assert!(kept.iter().all(|k| written.iter().any(|w| w.event == k.event)));
                store.append(1.0, line("on")).unwrap();
            }
            // A flip in the version's own bytes makes the store a newer one.
            Err(StoreError::Newer { .. }) => {}
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }
}
