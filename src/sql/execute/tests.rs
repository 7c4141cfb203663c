use std::{fs, path::PathBuf, thread, time::Duration};

use super::super::{Execution, Overrun, Sandbox};
use super::*;
use crate::settings::SqlSettings;

/// A folder with one small database in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let connection = rusqlite::Connection::open(place.database()).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL);
                 CREATE TABLE odd(c); INSERT INTO odd VALUES (CAST(x'61ff62' AS TEXT)), (x'00ff'), (1.5);
                 CREATE VIEW v AS SELECT a FROM t;",
            )
            .unwrap();
        place
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("d.sqlite")
    }

    fn run(&self, sql: &str) -> Outcome {
        self.run_with(sql, |_| {}).outcome
    }

    fn run_with(&self, sql: &str, change: impl FnOnce(&mut SqlSettings)) -> Execution {
        let mut settings = SqlSettings { timeout: 0.3, ..SqlSettings::default() };
        change(&mut settings);
        Sandbox::in_process(&settings).run(&self.database(), sql)
    }
}

#[test]
fn reading_works() {
    let place = Place::new();
    let table = place.run("SELECT a, b FROM t ORDER BY a DESC; -- end\n ;").table().cloned().unwrap();
    assert_eq!(table.columns, ["a", "b"]);
    assert_eq!(table.rows[0], [Value::Integer(3), Value::Null]);
    assert_eq!(table.rows[1], [Value::Integer(2), Value::Text("y".into())]);
    for sql in [
        "SELECT \"x\" = b FROM t",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
        "SELECT * FROM v",
        "PRAGMA table_info(t)",
        "SELECT name FROM pragma_table_info('t')",
        "VALUES (1), (2)",
        "EXPLAIN QUERY PLAN SELECT 1",
        "SELECT json_extract('{\"a\":1}', '$.a')",
    ] {
        assert_eq!(place.run(sql).kind(), "rows", "{sql}: {:?}", place.run(sql));
    }
}

#[test]
fn text_that_is_not_utf8_is_read() {
    let table = Place::new().run("SELECT c FROM odd").table().cloned().unwrap();
    assert_eq!(table.rows, [[Value::Text("ab".into())], [Value::Blob(vec![0, 255])], [Value::Real(1.5)]]);
}

#[test]
fn failures_are_told_apart() {
    let place = Place::new();
    for (sql, kind) in [
        ("SELEKT 1", "syntax_error"),
        ("SELECT", "syntax_error"),
        ("SELECT 'a", "syntax_error"),
        ("SELECT \0 1", "syntax_error"),
        ("SELECT z FROM t", "unknown_name"),
        ("SELECT * FROM z", "unknown_name"),
        ("SELECT z(1)", "unknown_name"),
        ("SELECT a FROM t AS x JOIN t AS y", "unknown_name"),
        ("SELECT sum(count(*)) FROM t", "runtime_error"),
        ("SELECT a FROM t WHERE a = ?", "runtime_error"),
        ("SELECT json('{')", "runtime_error"),
        ("SELECT 1; SELECT 2", "several_statements"),
        ("SELECT 1; nonsense", "several_statements"),
        ("", "empty_text"),
        (" ;; -- nothing\n/* at all */", "empty_text"),
    ] {
        assert_eq!(place.run(sql).kind(), kind, "{sql:?}: {:?}", place.run(sql));
    }
}

#[test]
fn nothing_writes() {
    let place = Place::new();
    let before = fs::read(place.database()).unwrap();
    let outside = place.folder.path().join("new.sqlite");
    for sql in [
        "INSERT INTO t VALUES (4, 'z')",
        "UPDATE t SET a = 0",
        "DELETE FROM t",
        "REPLACE INTO t VALUES (1, 'z')",
        "DROP TABLE t",
        "DROP VIEW v",
        "CREATE TABLE u(a)",
        "CREATE TEMP TABLE u(a)",
        "CREATE TABLE u AS SELECT * FROM t",
        "CREATE INDEX i ON t(a)",
        "CREATE VIEW w AS SELECT 1",
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "CREATE VIRTUAL TABLE temp.f USING rtree(i, a, b)",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t ADD COLUMN c",
        &format!("ATTACH '{}' AS n", outside.display()),
        "DETACH main",
        "VACUUM",
        &format!("VACUUM INTO '{}'", outside.display()),
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "BEGIN EXCLUSIVE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA wal_checkpoint",
        "PRAGMA database_list",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "WITH d AS (SELECT 1) DELETE FROM t",
        "EXPLAIN DELETE FROM t",
    ] {
        let outcome = place.run(sql);
        assert_eq!(outcome.kind(), "forbidden", "{sql}: {outcome:?}");
        assert!(outcome.message().is_some_and(|m| !m.is_empty()));
        assert_eq!(place.run("SELECT count(*) FROM t").kind(), "rows", "after {sql}");
    }
    assert_eq!(fs::read(place.database()).unwrap(), before);
    let files: Vec<_> = fs::read_dir(place.folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["d.sqlite"]);
}

#[test]
fn endless_queries_end_at_their_deadline() {
    let place = Place::new();
    for sql in [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT count(*) FROM n a, n b, n c, n d",
    ] {
        // Another process may take the CPU away at any time, but not each time.
        let in_time = (0..8).any(|_| {
            let execution = place.run_with(sql, |_| {});
            assert_eq!(execution.outcome, Outcome::Timeout(Overrun::Clock), "{sql}");
            assert!(execution.elapsed >= Duration::from_millis(300), "{:?}", execution.elapsed);
            execution.elapsed < Duration::from_millis(400)
        });
        assert!(in_time, "{sql}");
    }
    assert_eq!(place.run("SELECT 1").kind(), "rows");
}

#[test]
fn bombs_end_typed() {
    let place = Place::new();
    let wide = format!("SELECT {}", vec!["a.a"; 3000].join(", ")) + " FROM t AS a";
    let deep = format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000));
    let long = format!("SELECT '{}'", "x".repeat(1 << 20));
    for sql in [
        "SELECT randomblob(1000000000)",
        "SELECT zeroblob(1000000000)",
        "SELECT printf('%.*c', 1000000000, 'x')",
        "SELECT hex(zeroblob(3000000))",
        "SELECT group_concat(b || zeroblob(2000000)) FROM t",
        "SELECT replace(hex(zeroblob(1000000)), '00', 'xxxxxxxxxxxxxxxxxxxxxx')",
        "WITH RECURSIVE d(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM d) SELECT length(s) FROM d",
        long.as_str(),
    ] {
        assert_eq!(place.run(sql).kind(), "too_large", "{}: {:?}", &sql[..40], place.run(sql));
    }
    for sql in [wide.as_str(), deep.as_str()] {
        assert_ne!(place.run(sql).kind(), "rows");
    }
    assert_eq!(place.run("SELECT 1").kind(), "rows");
}

#[test]
fn results_are_limited() {
    let place = Place::new();
    let rows = |limit| place.run_with("SELECT a FROM t", move |s| s.max_rows = limit).outcome;
    assert_eq!(rows(3).kind(), "rows");
    assert_eq!(rows(2).kind(), "too_large");
    let cell = |limit| place.run_with("SELECT 'abcd'", move |s| s.max_cell_bytes = limit).outcome;
    assert_eq!(cell(4).kind(), "rows");
    assert_eq!(cell(3).kind(), "too_large");
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(zeroblob(400000)) FROM n";
    assert_eq!(place.run_with(many, |s| s.timeout = 20.0).outcome.kind(), "too_large");
}

#[test]
fn a_database_that_cannot_be_read_is_named() {
    let place = Place::new();
    let sandbox = Sandbox::in_process(&SqlSettings::default());
    let missing = place.folder.path().join("none.sqlite");
    let outcome = sandbox.run(&missing, "SELECT 1").outcome;
    assert_eq!(outcome.kind(), "database_error");
    assert!(outcome.message().unwrap().contains("none.sqlite"), "{outcome:?}");
    assert!(!missing.exists());
    assert_eq!(sandbox.run(place.folder.path(), "SELECT 1").outcome.kind(), "database_error");
    let junk = place.folder.path().join("junk.sqlite");
    fs::write(&junk, "no database at all".repeat(100)).unwrap();
    assert_eq!(sandbox.run(&junk, "SELECT 1 FROM t").outcome.kind(), "database_error");
}

#[test]
fn a_database_that_was_replaced_is_opened_anew() {
    let place = Place::new();
    assert_eq!(place.run("SELECT a FROM t").table().unwrap().rows.len(), 3);
    let other = place.folder.path().join("other");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE u(z); CREATE TABLE w(z)").unwrap();
    fs::rename(other, place.database()).unwrap();
    assert_eq!(place.run("SELECT a FROM t").kind(), "unknown_name");
}

#[test]
fn many_threads_get_right_answers_while_others_overrun() {
    let place = Place::new();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(place.run(endless), Outcome::Timeout(Overrun::Clock)));
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let outcome = place.run_with("SELECT sum(a) FROM t", |s| s.timeout = 5.0).outcome;
                    assert_eq!(outcome.table().unwrap().rows, [[Value::Integer(6)]]);
                }
            });
        }
    });
}

#[test]
fn more_databases_than_can_be_kept_open_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::in_process(&SqlSettings::default());
    let path = |i: i64| folder.path().join(format!("{i}.sqlite"));
    for i in 0..300 {
        let connection = rusqlite::Connection::open(path(i)).unwrap();
        connection.execute_batch(&format!("CREATE TABLE t(a); INSERT INTO t VALUES ({i})")).unwrap();
    }
    let open_files = || {
        fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter(|f| f.as_ref().unwrap().path().read_link().is_ok_and(|to| to.starts_with(folder.path())))
            .count()
    };
    for round in 0..2 {
        for i in 0..300 {
            let rows = sandbox.run(&path(i), "SELECT a FROM t").outcome.table().unwrap().rows.clone();
            assert_eq!(rows, [[Value::Integer(i)]], "round {round}");
        }
        assert!(open_files() <= 256, "{} files are open", open_files());
    }
}
