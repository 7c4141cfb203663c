//! Several queries handed to a worker of the built program at once: each gets the answer that it would get alone, whatever
//! its neighbours do.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{path::Path, thread, time::Duration};

use common::place::{Place, first_cell, workers};
use sqlr1_tui::{settings::SqlSettings, sql::Outcome};

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
/// One call of a function that nothing can interrupt and that would take minutes.
const STUCK: &str = "SELECT instr(hex(zeroblob(1900000)), hex(zeroblob(900000)) || '1')";

fn one_worker() -> SqlSettings {
    SqlSettings { workers: Some(1), ..SqlSettings::default() }
}

#[test]
fn queries_together_are_answered_as_each_alone() {
    let place = Place::new();
    let other = place.folder().join("other.sqlite");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (7)").unwrap();
    let (database, missing) = (place.database(), place.folder().join("none.sqlite"));
    let before = place.files();
    let long = format!("SELECT '{}'", "x".repeat(200_000));
    let queries: Vec<(&Path, &str)> = vec![
        (&database, "SELECT a, b FROM t"),
        (&database, "SELEKT"),
        (&database, "SELECT * FROM big"),
        (&other, "SELECT a FROM t"),
        (&database, &long),
        (&database, "BEGIN"),
        (&database, "COMMIT"),
        (&database, "ROLLBACK"),
        (&missing, "SELECT 1"),
        (&database, "DELETE FROM t"),
        (&database, "SELECT count(*) FROM t"),
        (&database, ""),
        (&database, "SELECT zeroblob(1000000000)"),
        (&database, "SELECT hex(randomblob(900000)) FROM big ORDER BY 1"),
        (&database, "SELECT 17"),
    ];
    for settings in [one_worker(), SqlSettings { in_memory: true, ..one_worker() }] {
        let (together, alone) = (workers(&settings), workers(&settings));
        // Twice: what the first round left open must not matter to the second.
        for _ in 0..2 {
            let answers = together.run_all(&queries);
            assert_eq!(answers.len(), queries.len());
            for (&(database, sql), answer) in queries.iter().zip(&answers) {
                let sql_shown = &sql[..sql.len().min(60)];
                assert_eq!(answer.outcome, alone.run(database, sql).outcome, "{sql_shown}");
            }
        }
        assert_eq!(together.tally(), alone.tally());
    }
    assert_eq!(place.files(), before);
}

#[test]
fn one_that_costs_its_worker_costs_its_neighbours_nothing() {
    let place = Place::new();
    let database = place.database();
    let sandbox = workers(&SqlSettings { timeout: 0.3, max_steps: u64::MAX / 2, ..one_worker() });
    let worker = sandbox.idle_workers()[0];
    let queries = ["SELECT 1", STUCK, "SELECT 2", ENDLESS, "SELECT 3", STUCK].map(|sql| (database.as_path(), sql));
    let answers = sandbox.run_all(&queries);
    for (index, expected) in [(0, "1"), (2, "2"), (4, "3")] {
        assert_eq!(first_cell(&answers[index]), expected);
    }
    for index in [1, 3, 5] {
        assert!(matches!(answers[index].outcome, Outcome::Timeout(_)), "{:?}", answers[index].outcome);
        assert!(answers[index].elapsed >= Duration::from_millis(250), "its time begins when it is its turn");
    }
    assert!(!sandbox.idle_workers().contains(&worker), "{STUCK} costs its worker");
}

#[test]
fn a_database_is_held_during_a_batch_and_no_longer() {
    let place = Place::new();
    let database = place.database();
    let sandbox = workers(&one_worker());
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000) SELECT max(i), (SELECT count(*) FROM t) FROM n";
    let count = "SELECT count(*) FROM t";
    let queries = [count, slow, slow, count].map(|sql| (database.as_path(), sql));
    let batch = thread::scope(|scope| {
        let batch = scope.spawn(|| sandbox.run_all(&queries));
        // Whether it comes before, within or after the batch, the batch sees one state of the database.
        thread::sleep(Duration::from_millis(50));
        let writer = rusqlite::Connection::open(&database).unwrap();
        writer.busy_timeout(Duration::from_mins(1)).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (4, 'new')").unwrap();
        batch.join().unwrap()
    });
    assert_eq!(first_cell(&batch[0]), first_cell(&batch[3]));
    assert_eq!(first_cell(&sandbox.run(&database, count)), "4", "the writer got its turn, and its row is seen");
}
