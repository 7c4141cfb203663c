//! A run whose store is damaged: seen as far as it goes, and resumed all the same.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
    process::Output,
};

use common::{assert_code, demo_run, events, program};
use sqlr1_tui::run::{event::Event, store::RunStore};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A run of four steps with checkpoints at 2 and 4.
fn trained(run: &Path) -> usize {
    assert_code(&demo_run(run, 4, &[]).output().unwrap(), 0);
    RunStore::read_run(&run.join("run.db")).unwrap().records.len()
}

fn resumed(run: &Path) -> Output {
    let mut command = program();
    command.args(["train", "--headless", "--resume", "--max-steps", "6", "--run-dir"]).arg(run);
    let output = command.output().unwrap();
    assert_code(&output, 0);
    output
}

/// Goes on from step 4 with a new store that has the note, whatever was done to the old one.
fn goes_on(run: &Path, salvaged_at_least: usize) {
    let exported = program().arg("export").arg(run).arg("metrics").output().unwrap();
    assert!(stderr(&exported).contains("run.db is damaged"), "{}", stderr(&exported));
    assert_eq!(exported.status.code(), Some(i32::from(salvaged_at_least == 0)), "what can be read is exported");
    let output = resumed(run);
    let steps: Vec<u64> =
        events(&output).iter().filter(|e| e["type"] == "step").map(|e| e["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [5, 6], "the checkpoint is the truth");
    assert!(run.join("run.db.damaged-0").is_file());
    let reading = RunStore::read_run(&run.join("run.db")).unwrap();
    assert_eq!(reading.damage, None);
    let note = |event: &Event| matches!(event, Event::Log(line) if line.message.contains("run.db.damaged-0"));
    let at = reading.records.iter().position(|record| note(&record.event)).unwrap();
    assert!(at >= salvaged_at_least, "{at} events stand before the note");
    assert_eq!(
        reading.records.iter().map(|r| r.seq).collect::<Vec<_>>(),
        (1..=reading.records.len() as u64).collect::<Vec<_>>()
    );
}

#[test]
fn a_store_cut_short_is_replaced_by_what_it_still_has() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run);
    let db = run.join("run.db");
    let length = fs::metadata(&db).unwrap().len();
    fs::File::options().write(true).open(&db).unwrap().set_len(length * 3 / 5).unwrap();
    goes_on(&run, 2);
}

#[test]
fn flipped_bytes_cost_the_events_that_they_are_in() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let events = trained(&run);
    let db = run.join("run.db");
    let bytes = fs::read(&db).unwrap();
    let needle = br#""type":"step","step":3"#;
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    let mut file = fs::File::options().write(true).open(&db).unwrap();
    file.seek(SeekFrom::Start((at + needle.len() - 1) as u64)).unwrap();
    file.write_all(b"8").unwrap();
    drop(file);
    goes_on(&run, events - 1);
}

#[test]
fn a_store_that_is_rubbish_does_not_stop_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run);
    fs::write(run.join("run.db"), vec![0x5a; 30_000]).unwrap();
    goes_on(&run, 0);
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run);
    let db = rusqlite::Connection::open(run.join("run.db")).unwrap();
    db.pragma_update(None, "user_version", 77).unwrap();
    drop(db);
    let before = fs::read(run.join("run.db")).unwrap();
    let mut command = program();
    let output =
        command.args(["train", "--headless", "--resume", "--max-steps", "6", "--run-dir"]).arg(&run).output().unwrap();
    assert_code(&output, 3);
    assert!(stderr(&output).contains("version 77") && stderr(&output).contains("newer"), "{}", stderr(&output));
    assert_eq!(fs::read(run.join("run.db")).unwrap(), before);
}
