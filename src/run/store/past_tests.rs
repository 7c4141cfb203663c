//! Parts of a run: what is read, what is left, what is void.

use std::{
    ops::{ControlFlow, RangeInclusive},
    path::{Path, PathBuf},
};

use super::*;
use crate::run::{event::Record, fixture::RunBuilder};

/// A store of a made-up run, with its records as they lie in there.
fn stored(run: &RunBuilder) -> (tempfile::TempDir, PathBuf, Vec<Record>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.db");
    let mut store = RunStore::open(&path).unwrap();
    let stored = run.records().into_iter().filter(|record| record.event.is_stored());
    let records = stored.map(|record| store.append(record.time, record.event).unwrap()).collect();
    (dir, path, records)
}

/// What is left of a past once its portions are put together.
struct Past {
    reading: Reading,
    left_out: u64,
    /// Records that were told to come, last.
    told: u64,
    portions: usize,
}

fn past(path: &Path, groups: usize) -> Past {
    let (mut records, mut left_out, mut told, mut portions) = (Vec::new(), 0, 0, 0);
    let reading = RunStore::open_read_only(path).unwrap().past(groups, &mut |portion| match portion {
        Portion::Coming { records: coming, left_out: groups } => (told, left_out) = (coming, groups),
        Portion::Records(some) => {
            portions += 1;
            records.extend(some);
        }
        Portion::Anew => records.clear(),
    });
    let reading = reading.unwrap();
    assert!(reading.records.is_empty(), "they were handed over");
    Past { reading: Reading { records, ..reading }, left_out, told, portions }
}

fn is_group(record: &Record) -> bool {
    matches!(record.event, Event::Group(_))
}

/// Step and number of the groups handed over, at most `most`.
fn found(path: &Path, steps: RangeInclusive<u64>, most: usize) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    let store = RunStore::open_read_only(path).unwrap();
    let taken = store.groups(&steps, &mut |group| {
        found.push((group.step, group.group));
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    taken.unwrap();
    found
}

#[test]
fn the_past_has_all_but_older_groups() {
    let (_dir, path, records) = stored(&RunBuilder::with_steps(30));
    for wanted in [0, 1, 7, 59] {
        let past = past(&path, wanted);
        let older = 60 - wanted;
        let mut passed = 0;
        let expected = records.iter().filter(|record| {
            passed += usize::from(is_group(record));
            !is_group(record) || passed > older
        });
        assert_eq!(past.left_out, older as u64);
        assert_eq!(past.told, past.reading.records.len() as u64);
        assert_eq!(past.reading.damage, None);
        assert_eq!(past.reading.records, expected.cloned().collect::<Vec<_>>(), "{wanted} wanted");
    }
}

#[test]
fn a_short_run_is_read_whole() {
    let (_dir, path, records) = stored(&RunBuilder::with_steps(3));
    for wanted in [6, 7, usize::MAX] {
        let past = past(&path, wanted);
        assert_eq!((past.reading.records, past.left_out), (records.clone(), 0));
    }
    let (_dir, path, records) = stored(&RunBuilder::new());
    assert_eq!(past(&path, 0).reading.records, records);
}

#[test]
fn a_long_past_comes_in_portions() {
    let (_dir, path, records) = stored(&RunBuilder::with_steps(500));
    for wanted in [100, usize::MAX] {
        let past = past(&path, wanted);
        assert!(past.portions > 2 && past.told == past.reading.records.len() as u64, "{}", past.portions);
        assert_eq!(past.left_out + past.told, records.len() as u64);
        assert!(past.reading.records.is_sorted_by_key(|record| record.seq));
    }
}

#[test]
fn lost_rows_are_told_although_groups_were_left_out() {
    let (_dir, path, records) = stored(&RunBuilder::with_steps(30));
    let spoil = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    spoil("UPDATE events SET sum = sum + 1 WHERE seq = 3");
    let spoilt = past(&path, 5);
    let damage = spoilt.reading.damage.unwrap();
    assert_eq!((spoilt.left_out, damage.lost, damage.read), (55, 1, records.len() as u64 - 56));
    spoil("DELETE FROM events WHERE seq = 3");
    let gappy = past(&path, 5);
    assert_eq!(
        (gappy.left_out, gappy.reading.records.len()),
        (0, records.len() - 1),
        "all is read where places are missing"
    );
}

#[test]
fn groups_come_by_step_without_void_ones() {
    let mut run = RunBuilder::with_steps(10);
    run.resume(7).step(8).step(9);
    let (_dir, path, _) = stored(&run);
    assert_eq!(found(&path, 3..=4, 99), [(3, 0), (3, 1), (4, 0), (4, 1)]);
    assert_eq!(found(&path, 7..=u64::MAX, 99), [(7, 0), (7, 1), (8, 0), (8, 1), (9, 0), (9, 1)]);
    assert_eq!(found(&path, 0..=u64::MAX, 3), [(1, 0), (1, 1), (2, 0)]);
    assert_eq!(found(&path, 11..=12, 9), []);
}

#[test]
fn damaged_groups_are_passed_over() {
    let (_dir, path, _) = stored(&RunBuilder::with_steps(2));
    let spoil = "UPDATE events SET body = replace(body, 'Joe', 'Jim') WHERE type = 'group' AND step = 1";
    rusqlite::Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
    assert_eq!(found(&path, 0..=9, 9), [(2, 0), (2, 1)]);
}
