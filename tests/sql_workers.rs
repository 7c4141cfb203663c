//! Worker processes of the built program: that they answer as this process does, what they are given, and that they end.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use common::place::{Place, first_cell, workers};
use sqlr1_tui::{
    settings::SqlSettings,
    sql::{Outcome, Overrun, Sandbox, WorkerProgram},
};

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

fn one_worker() -> SqlSettings {
    SqlSettings { workers: Some(1), ..SqlSettings::default() }
}

fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().unwrap().success());
}

fn is_alive(id: u32) -> bool {
    // A zombie has ended too, once its other threads are gone.
    let threads = fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z ") || threads > 1)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < patience, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn workers_answer_as_this_process_does() {
    let place = Place::new();
    let (here, there) = (Sandbox::in_process(&one_worker()), workers(&one_worker()));
    for sql in [
        "SELECT a, b FROM t ORDER BY a DESC",
        "SELECT c FROM odd",
        "SELECT * FROM big",
        "SELECT 1e308 * 10, -1e308 * 10, 0.1, 5e-324, 9223372036854775807, x'', ''",
        "SELECT a FROM t WHERE b = \"x\"",
        "SELECT a AS 'ü', a AS '' FROM t WHERE 0",
        "SELEKT",
        "SELECT z FROM t",
        "SELECT 1; SELECT 2",
        "",
        "DROP TABLE t",
        "SELECT json('{')",
        "SELECT zeroblob(1000000000)",
        "SELECT 'a\0b'",
    ] {
        assert_eq!(there.run(&place.database(), sql).outcome, here.run(&place.database(), sql).outcome, "{sql}");
    }
    let missing = place.folder().join("none.sqlite");
    assert_eq!(there.run(&missing, "SELECT 1").outcome, here.run(&missing, "SELECT 1").outcome);
    assert_eq!(there.tally().outcomes["database_error"], 1);
}

#[test]
fn the_budget_of_steps_decides_the_same_everywhere() {
    let place = Place::new();
    // The largest budget that a query overruns, found by bisection, must be one budget for all ways to execute it.
    let least = |make: &dyn Fn(&SqlSettings) -> Sandbox, in_memory| {
        let (mut too_few, mut enough) = (1000, 10_000_000);
        while enough - too_few > 500 {
            let max_steps = u64::midpoint(too_few, enough);
            let sandbox = make(&SqlSettings { max_steps, in_memory, timeout: 600.0, ..one_worker() });
            // A schema that is known and one that is not must not differ either.
            for _ in 0..u64::from(max_steps % 2 == 0) {
                sandbox.run(&place.database(), "SELECT 1 FROM t");
            }
            match sandbox
                .run(&place.database(), "SELECT count(*) FROM big a, big b WHERE a.i < b.i AND a.i < 300")
                .outcome
            {
                Outcome::Rows(_) => enough = max_steps,
                Outcome::Timeout(Overrun::Steps) => too_few = max_steps,
                other => panic!("{other:?}"),
            }
        }
        too_few / 1000
    };
    let here = least(&|s| Sandbox::in_process(s), false);
    assert!(here > 100, "{here} thousand steps");
    assert_eq!(least(&workers, false), here);
    assert_eq!(least(&workers, true), here);
}

#[test]
fn what_overruns_is_told_by_what_stopped_it() {
    let place = Place::new();
    let run = |max_steps, timeout| {
        let sandbox = workers(&SqlSettings { max_steps, timeout, ..one_worker() });
        let outcome = sandbox.run(&place.database(), ENDLESS).outcome;
        assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT count(*) FROM t")), "3");
        (outcome, sandbox.tally().stopped_by_clock)
    };
    assert_eq!(run(1_000_000, 600.0), (Outcome::Timeout(Overrun::Steps), 0));
    assert_eq!(run(u64::MAX / 2, 0.2), (Outcome::Timeout(Overrun::Clock), 1));
}

#[test]
fn a_worker_that_cannot_stop_is_killed_and_replaced() {
    let place = Place::new();
    let sandbox = workers(&SqlSettings { timeout: 0.3, ..one_worker() });
    let before = sandbox.idle_workers();
    // A process that is stopped is the hardest case of one that does not react.
    signal(before[0], "STOP");
    let execution = sandbox.run(&place.database(), "SELECT 1");
    assert_eq!(execution.outcome, Outcome::Timeout(Overrun::Clock));
    assert!(execution.elapsed >= Duration::from_millis(300));
    assert!(!is_alive(before[0]));
    assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT 17")), "17");
    assert_ne!(sandbox.idle_workers(), before);
}

#[test]
fn a_worker_that_died_idle_costs_no_query() {
    let place = Place::new();
    let sandbox = workers(&one_worker());
    for _ in 0..3 {
        let id = sandbox.idle_workers()[0];
        signal(id, "KILL");
        wait_until("the worker ends", || !is_alive(id));
        assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT 17")), "17");
    }
}

#[test]
fn a_worker_that_dies_at_work_is_a_typed_outcome() {
    let place = Place::new();
    for (name, kind) in [("KILL", "too_large"), ("ABRT", "too_large"), ("ILL", "runtime_error"), ("XCPU", "timeout")] {
        let sandbox = workers(&SqlSettings { timeout: 60.0, max_steps: u64::MAX / 2, ..one_worker() });
        let id = sandbox.idle_workers()[0];
        let outcome = thread::scope(|scope| {
            let query = scope.spawn(|| sandbox.run(&place.database(), ENDLESS).outcome);
            wait_until("the worker is at work", || sandbox.idle_workers().is_empty());
            // Until it has read the query, it may look as if it had died idle.
            thread::sleep(Duration::from_millis(100));
            signal(id, name);
            query.join().unwrap()
        });
        assert_eq!(outcome.kind(), kind, "{name}: {outcome:?}");
        assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT 17")), "17");
    }
}

#[test]
fn workers_have_no_terminal_no_socket_and_little_else() {
    let place = Place::new();
    // What this process has open must not reach them.
    let _socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _file = fs::File::open(place.database()).unwrap();
    let sandbox = workers(&one_worker());
    assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT 1")), "1");
    let id = sandbox.idle_workers()[0];
    let open = |fd: &str| fs::read_link(format!("/proc/{id}/fd/{fd}")).unwrap().display().to_string();
    assert!(open("0").starts_with("pipe:") && open("1").starts_with("pipe:"), "{} {}", open("0"), open("1"));
    assert_eq!(open("2"), "/dev/null");
    let others: Vec<String> = fs::read_dir(format!("/proc/{id}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|fd| fd.parse::<u32>().unwrap() > 2)
        .map(|fd| open(&fd))
        .collect();
    assert_eq!(others, [place.database().display().to_string()]);
    let environment = fs::read(format!("/proc/{id}/environ")).unwrap();
    let names: Vec<&str> = environment
        .split(|&byte| byte == 0)
        .filter(|entry| !entry.is_empty())
        .map(|entry| std::str::from_utf8(entry).unwrap().split('=').next().unwrap())
        .filter(|name| !name.ends_with("LIBRARY_PATH"))
        .collect();
    assert_eq!(names, ["MIMALLOC_ARENA_RESERVE"]);
    let group = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap().to_owned()
    };
    assert_eq!(group(id), id.to_string(), "a group of its own, which the terminal's ctrl-C does not reach");
}

#[test]
fn the_terminals_signals_do_not_end_a_worker() {
    let place = Place::new();
    let sandbox = workers(&one_worker());
    let id = sandbox.idle_workers();
    for name in ["INT", "TSTP"] {
        signal(id[0], name);
        assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT 17")), "17");
    }
    assert_eq!(sandbox.idle_workers(), id);
}

#[test]
fn workers_end_with_their_sandbox() {
    let place = Place::new();
    let sandbox = workers(&one_worker());
    let id = sandbox.idle_workers()[0];
    sandbox.run(&place.database(), "SELECT 1");
    let clone = sandbox.clone();
    drop(sandbox);
    assert!(is_alive(id));
    drop(clone);
    assert!(!is_alive(id));
}

/// A process that is killed while its workers are busy: this test's own program, started again as [`a_parent`].
#[test]
fn no_worker_outlives_a_parent_that_is_killed() {
    let place = Place::new();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_parent", "--nocapture"])
        .env("SQLR1_TEST_DATABASE", place.database())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let ids: Vec<u32> = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, ids)) = line.split_once("workers: ") {
            break ids.split(' ').map(|id| id.parse().unwrap()).collect();
        }
    };
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|&id| is_alive(id)));
    thread::sleep(Duration::from_millis(200));
    parent.kill().unwrap();
    parent.wait().unwrap();
    for id in ids {
        wait_until("the worker of a parent that was killed ends", || !is_alive(id));
    }
}

#[test]
#[ignore = "a part of the test above, which kills it"]
fn a_parent() {
    let Some(database) = std::env::var_os("SQLR1_TEST_DATABASE").map(PathBuf::from) else { return };
    let settings = SqlSettings { workers: Some(2), timeout: 600.0, max_steps: u64::MAX / 2, ..SqlSettings::default() };
    let sandbox = workers(&settings);
    // Two at once, so that both workers are started.
    let barrier = Barrier::new(2);
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT count(*) FROM n";
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                barrier.wait();
                sandbox.run(&database, slow)
            });
        }
    });
    let ids: Vec<String> = sandbox.idle_workers().iter().map(u32::to_string).collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| sandbox.run(&database, ENDLESS));
        }
        wait_until("both are at work", || sandbox.idle_workers().is_empty());
        writeln!(std::io::stdout(), "workers: {}", ids.join(" ")).unwrap();
    });
}

#[test]
fn a_program_that_is_no_worker_is_an_error_that_names_it() {
    let start = |path: &str| Sandbox::in_workers(&one_worker(), WorkerProgram::at(path)).unwrap_err().to_string();
    assert!(start("/no/such/program").contains("/no/such/program"));
    let error = start("/bin/false");
    assert!(error.contains("/bin/false") && error.contains("exit status: 1"), "{error}");
    let error = start("/bin/echo");
    assert!(error.contains("/bin/echo does not work as an SQL worker"), "{error}");
}

#[test]
fn more_threads_than_workers_take_turns() {
    let place = Place::new();
    let sandbox = workers(&SqlSettings { workers: Some(2), ..SqlSettings::default() });
    thread::scope(|scope| {
        for i in 0..8 {
            let (sandbox, database) = (&sandbox, place.database());
            scope.spawn(move || {
                for j in 0..50 {
                    let sql = format!("SELECT {} + {j}", i * 1000);
                    assert_eq!(first_cell(&sandbox.run(&database, &sql)), (i * 1000 + j).to_string());
                }
            });
        }
    });
    assert!(sandbox.idle_workers().len() <= 2);
    assert_eq!(sandbox.tally().outcomes["rows"], 400);
}

#[test]
fn databases_in_memory_give_the_same_answers_and_follow_their_files() {
    let place = Place::new();
    let before = place.files();
    let in_memory = SqlSettings { in_memory: true, ..one_worker() };
    for sandbox in [workers(&in_memory), Sandbox::in_process(&in_memory)] {
        let there = workers(&one_worker());
        for sql in
            ["SELECT * FROM t", "SELECT * FROM odd", "SELECT count(*), sum(i) FROM big", "DELETE FROM t", "SELECT z"]
        {
            assert_eq!(sandbox.run(&place.database(), sql).outcome, there.run(&place.database(), sql).outcome, "{sql}");
        }
        let log = place.folder().join("log.sqlite");
        let writer = rusqlite::Connection::open(&log).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS w(a); INSERT INTO w VALUES (1)")
            .unwrap();
        let rows = first_cell(&sandbox.run(&log, "SELECT count(*) FROM w"));
        drop(writer);
        rusqlite::Connection::open(&log).unwrap().execute_batch("INSERT INTO w SELECT 2 FROM w").unwrap();
        let twice = rows.parse::<u32>().unwrap() * 2;
        assert_eq!(first_cell(&sandbox.run(&log, "SELECT count(*) FROM w")), twice.to_string());
    }
    fs::remove_file(place.folder().join("log.sqlite")).unwrap();
    assert_eq!(place.files(), before);
}
