//! What a model could write to hurt: every attack ends typed, in time and within the memory, and leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use common::place::{Place, first_cell, workers};
use sqlr1_tui::{
    settings::SqlSettings,
    sql::{Outcome, Overrun},
};

/// Seconds that a query may take here.
const TIMEOUT: f64 = 1.0;
/// How much later it may end. The aim is 0.1 s, which `cargo bench --bench hostile` measures; a busy machine can keep any
/// process waiting for longer.
const MARGIN: Duration = Duration::from_secs(20);
const MEMORY_MB: u64 = 128;

fn settings() -> SqlSettings {
    SqlSettings {
        timeout: TIMEOUT,
        max_steps: 20_000_000,
        max_memory_mb: MEMORY_MB,
        workers: Some(1),
        ..SqlSettings::default()
    }
}

/// Executes every attack, one after the other with the same workers, and checks what must hold after each.
fn attack<'s>(attacks: impl IntoIterator<Item = &'s str>, expected: &[&str]) {
    let place = Place::new();
    let (before, sandbox) = (place.files(), workers(&settings()));
    for sql in attacks {
        let name: String = sql.chars().take(100).collect();
        let execution = sandbox.run(&place.database(), sql);
        let kind = execution.outcome.kind();
        assert!(expected.contains(&kind), "{name}: {:?}", execution.outcome);
        let limit = Duration::from_secs_f64(TIMEOUT) + MARGIN;
        assert!(execution.elapsed < limit, "{name}: {:?}", execution.elapsed);
        let after = sandbox.run(&place.database(), "SELECT group_concat(a) FROM t");
        assert_eq!(first_cell(&after), "1,2,3", "after {name}");
    }
    assert_eq!(place.files(), before);
}

#[test]
fn endless_queries_are_stopped() {
    attack(
        [
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i FROM n) SELECT sum(a.i) FROM n a, n b, big c, big d, big e, big f",
            "WITH RECURSIVE a(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM a), b(i) AS (SELECT i FROM a) SELECT 1 FROM b WHERE i < 0",
            "SELECT count(*) FROM big a, big b, big c, big d",
            "SELECT * FROM big a, big b, big c WHERE a.s = b.s || c.s",
            "SELECT max(a.s || b.s || c.s) FROM big a CROSS JOIN big b CROSS JOIN big c CROSS JOIN t CROSS JOIN odd CROSS JOIN v",
            "SELECT count(*) FROM big a WHERE (SELECT count(*) FROM big b, big c WHERE b.i + c.i > a.i) < 0",
            "SELECT count(*) FROM big a LEFT JOIN big b ON a.i < b.i LEFT JOIN big c ON b.i < c.i",
            "SELECT sum(x) FROM (SELECT row_number() OVER (ORDER BY a.s DESC) AS x FROM big a, big b, big c)",
            "WITH RECURSIVE m(x, y, z, i) AS (SELECT 0.0, 0.0, 0.0, 0 UNION ALL SELECT x*x-y*y, 2*x*y, z+1, i+1 FROM m) SELECT min(z) FROM m",
        ],
        &["timeout", "too_large"],
    );
}

#[test]
fn slow_patterns_are_stopped() {
    let like = format!(
        "SELECT count(*) FROM big a, big b, big c WHERE replace(a.s||b.s||c.s, '3', 'a') LIKE '{}b'",
        "%a".repeat(400)
    );
    let glob = format!("SELECT count(*) FROM big a, big b, big c WHERE a.s||b.s||c.s GLOB '{}b'", "*3".repeat(400));
    // One call alone can take hours: nothing in SQLite looks at clock or budget while it lasts.
    let one_call = format!("SELECT hex(zeroblob(400000)) LIKE '{}1'", "%0".repeat(450));
    let one_glob = format!("SELECT hex(zeroblob(400000)) GLOB '{}1'", "*0".repeat(450));
    let long = format!("SELECT 'a' LIKE '{}'", "%_".repeat(5000));
    attack([like.as_str(), &glob, &one_call, &one_glob], &["timeout", "too_large", "rows"]);
    attack([long.as_str()], &["runtime_error"]);
}

#[test]
fn values_that_grow_without_bound_are_refused() {
    let nested = "SELECT ".to_owned()
        + &(0..40).fold("'x'".to_owned(), |inner, _| format!("replace({inner}, 'x', 'xxxxxxxxxxxxxxxx')"));
    attack(
        [
            "SELECT randomblob(1000000000)",
            "SELECT length(randomblob(1000000000))",
            "SELECT zeroblob(1000000000)",
            "SELECT zeroblob(2147483647) || zeroblob(2147483647)",
            "SELECT printf('%.*c', 1000000000, 'x')",
            "SELECT format('%1000000000d', 1)",
            "SELECT printf('%.999999999f', 1e308)",
            "SELECT hex(zeroblob(500000000))",
            "SELECT quote(zeroblob(4000000))",
            "SELECT unistr(hex(zeroblob(4000000)))",
            "WITH RECURSIVE d(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM d) SELECT max(length(s)) FROM d",
            "WITH RECURSIVE d(s, n) AS (SELECT 'x', 0 UNION ALL SELECT s || s, n + 1 FROM d WHERE n < 40) SELECT s FROM d",
            "SELECT group_concat(a.s || b.s || c.s, hex(zeroblob(1000))) FROM big a, big b, big c",
            "SELECT length(group_concat(zeroblob(1000000), zeroblob(1000000))) FROM big",
            "SELECT replace(hex(zeroblob(1000000)), '0', hex(zeroblob(1000000)))",
            nested.as_str(),
            "SELECT json_group_array(hex(zeroblob(1000000))) FROM big",
            "SELECT json_group_object(i, zeroblob(100) || s || hex(zeroblob(100000))) FROM big",
            "SELECT string_agg(hex(zeroblob(100000)), '') OVER (ORDER BY i) FROM big",
        ],
        &["too_large", "runtime_error", "timeout"],
    );
}

#[test]
fn what_is_held_while_computing_is_bounded() {
    attack(
        [
            "SELECT count(*) FROM (SELECT DISTINCT a.s || b.s || hex(zeroblob(2000)) FROM big a, big b)",
            "SELECT a.s, hex(zeroblob(5000)) || b.s AS x FROM big a, big b ORDER BY x",
            "SELECT count(*) FROM (SELECT a.i, b.i FROM big a, big b UNION SELECT b.i, a.i + 1 FROM big a, big b)",
            "WITH RECURSIVE n(i, s) AS (SELECT 1, hex(zeroblob(10000)) UNION SELECT i + 1, s || i FROM n) SELECT count(*) FROM n",
            "SELECT a.s || b.s, count(*) FROM big a, big b GROUP BY 1 HAVING count(*) > 99",
            "WITH m AS MATERIALIZED (SELECT hex(zeroblob(100000)) || a.s AS s FROM big a, big b) SELECT count(*) FROM m, m AS o",
            "SELECT hex(zeroblob(400000)) FROM big a, big b",
            "SELECT a.i FROM big a, big b, big c",
        ],
        &["too_large", "timeout"],
    );
}

#[test]
fn texts_that_are_no_sensible_query_are_refused() {
    let megabyte = format!("SELECT '{}'", "x".repeat(1 << 20));
    let comment = format!("SELECT 1 -- {}", "x".repeat(1 << 20));
    let parentheses = format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000));
    let open = "(".repeat(900_000);
    let subqueries = format!("{}SELECT 1{}", "SELECT * FROM (".repeat(3000), ")".repeat(3000));
    let unions = format!("SELECT 1{}", " UNION SELECT 1".repeat(60_000));
    let sum = format!("SELECT 1{}", "+1".repeat(400_000));
    let wide = format!("SELECT {}", vec!["1"; 400_000].join(","));
    let long_name = format!("SELECT {} FROM t", "a".repeat(900_000));
    let same_table = format!("SELECT 1 FROM t{}", ", t".repeat(300));
    let names = format!("WITH c AS (SELECT '{}') SELECT * FROM c{}", "n".repeat(900_000), ", c".repeat(60));
    let not = format!("SELECT {}1", "NOT ".repeat(200_000));
    let conditions = format!("SELECT {}1", "CASE WHEN 1 THEN ".repeat(40_000));
    let texts = [
        "SELECT 1\0, 2",
        "\0",
        "SELECT '\0'",
        &megabyte,
        &comment,
        &parentheses,
        &open,
        &subqueries,
        &unions,
        &sum,
        &wide,
        &long_name,
        &same_table,
        &names,
        &not,
        &conditions,
        "\u{feff}\u{202e}SELEKT",
        "𝔰𝔢𝔩𝔢𝔠𝔱 1",
        ";;;;",
        "SELECT ?1 + :a + @b + $c",
        "SELECT 1;;SELECT",
    ];
    let refusals =
        ["syntax_error", "too_large", "runtime_error", "unknown_name", "several_statements", "empty_text", "timeout"];
    attack(texts, &refusals);
}

#[test]
fn nothing_writes_and_nothing_reaches_outside() {
    let place = Place::new();
    let (before, sandbox) = (place.files(), workers(&settings()));
    let outside = place.folder().join("outside");
    for sql in forbidden(&outside) {
        let outcome = sandbox.run(&place.database(), &sql).outcome;
        let refused = ["forbidden", "unknown_name", "syntax_error", "several_statements", "runtime_error"];
        assert!(refused.contains(&outcome.kind()), "{sql}: {outcome:?}");
        assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT count(*) FROM t")), "3", "after {sql}");
    }
    assert_eq!(place.files(), before);
}

/// Statements of every kind that changes something, and functions and tables that lead out of the database.
fn forbidden(outside: &Path) -> Vec<String> {
    let path = outside.display();
    let more = [
        format!("ATTACH '{path}' AS n"),
        format!("ATTACH 'file:{path}?mode=rwc' AS n"),
        "ATTACH ':memory:' AS n".into(),
        format!("VACUUM INTO '{path}'"),
        format!("VACUUM main INTO 'file:{path}?vfs=unix-none'"),
        format!("SELECT writefile('{path}', 'x')"),
        format!("PRAGMA temp_store_directory = '{path}'"),
    ];
    let plain = "INSERT INTO t VALUES (9, 'z'); INSERT INTO t SELECT * FROM t; INSERT INTO t VALUES (9, 'z') RETURNING a;
        REPLACE INTO t VALUES (1, 'z'); UPDATE t SET b = 'z'; UPDATE t SET b = 'z' RETURNING b; UPDATE OR IGNORE t SET a = 1;
        DELETE FROM t; DELETE FROM t RETURNING a; WITH x AS (SELECT 1) INSERT INTO t SELECT 9, 'z' FROM x;
        WITH x AS (SELECT 1) UPDATE t SET b = 1; WITH x AS (SELECT 1) DELETE FROM t; CREATE TABLE u(a);
        CREATE TABLE IF NOT EXISTS u AS SELECT * FROM t; CREATE TEMP TABLE u(a); CREATE TEMPORARY VIEW u AS SELECT 1;
        CREATE INDEX i ON t(b); CREATE UNIQUE INDEX i ON t(b); CREATE VIEW w AS SELECT 1; DROP TABLE t; DROP TABLE IF EXISTS big;
        DROP VIEW v; DROP INDEX i; DROP TRIGGER x; ALTER TABLE t RENAME TO u; ALTER TABLE t RENAME COLUMN b TO c;
        ALTER TABLE t ADD COLUMN c; ALTER TABLE t DROP COLUMN b; CREATE VIRTUAL TABLE g USING fts5(x);
        CREATE VIRTUAL TABLE temp.g USING rtree(i, a, b); CREATE VIRTUAL TABLE g USING dbstat; DETACH main; VACUUM; VACUUM main;
        REINDEX; REINDEX t; ANALYZE; ANALYZE t; BEGIN; BEGIN IMMEDIATE; BEGIN EXCLUSIVE; COMMIT; END; ROLLBACK; SAVEPOINT s;
        RELEASE s; ROLLBACK TO s; PRAGMA user_version = 7; PRAGMA application_id = 7; PRAGMA journal_mode = WAL;
        PRAGMA journal_mode = OFF; PRAGMA writable_schema = ON; PRAGMA query_only = OFF; PRAGMA wal_checkpoint; PRAGMA optimize;
        PRAGMA database_list; PRAGMA integrity_check; PRAGMA incremental_vacuum; PRAGMA hard_heap_limit = 0; PRAGMA cache_size = 99999;
        PRAGMA mmap_size = 999999999; PRAGMA temp_store = FILE; PRAGMA threads = 8; PRAGMA trusted_schema = ON; PRAGMA schema_version = 1;
        PRAGMA analysis_limit = 0; PRAGMA soft_heap_limit = 0; PRAGMA busy_timeout = 99999; PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA page_size = 512; PRAGMA auto_vacuum = 1; PRAGMA encoding = 'UTF-16'; PRAGMA data_version; PRAGMA compile_options;
        SELECT * FROM pragma_database_list; SELECT * FROM pragma_user_version; SELECT load_extension('x');
        SELECT load_extension('/lib/x86_64-linux-gnu/libc.so.6', 'system'); SELECT readfile('/etc/passwd'); SELECT edit('x', 'sh');
        SELECT fts3_tokenizer('simple'); SELECT fts3_tokenizer('x', x'4141414141414141'); SELECT * FROM fsdir('/');
        SELECT * FROM sqlite_dbpage; SELECT * FROM sqlite_memstat; SELECT * FROM sqlite_stmt; UPDATE sqlite_schema SET sql = '';
        INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, ''); DELETE FROM sqlite_schema; INSERT INTO f(f) VALUES ('rebuild');
        INSERT INTO f(f, rank) VALUES ('merge', 500); DELETE FROM f; DELETE FROM f_data; INSERT INTO r VALUES (2, 0, 1); DROP TABLE f;
        DROP TABLE r_node; EXPLAIN DELETE FROM t; EXPLAIN QUERY PLAN DROP TABLE t; INSERT INTO v VALUES (1);
        CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END";
    // A trigger has a semicolon inside.
    let (statements, trigger) = plain.split_at(plain.find("CREATE TRIGGER").unwrap());
    let plain = statements.split(';').map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned);
    plain
        .chain(more)
        .chain([trigger.to_owned(), "SELECT 1; DROP TABLE t".into(), "DROP TABLE t; SELECT 1".into()])
        .collect()
}

#[test]
fn extensions_within_sqlite_are_bounded_too() {
    let deep_json = format!("SELECT json('{}')", "[".repeat(400_000));
    let deep_tree = format!("SELECT count(*) FROM json_tree('{}1{}')", "[".repeat(900), "]".repeat(900));
    let words = format!("SELECT * FROM f WHERE f MATCH '{}'", "a OR ".repeat(100_000) + "b");
    let near = format!("SELECT * FROM f WHERE f MATCH 'NEAR({})'", "some ".repeat(100_000));
    let kinds = [
        "rows",
        "runtime_error",
        "too_large",
        "timeout",
        "unknown_name",
        "forbidden",
        "syntax_error",
        "database_error",
    ];
    attack(
        [
            deep_json.as_str(),
            &deep_tree,
            &words,
            &near,
            "SELECT * FROM f WHERE f MATCH '\"'",
            "SELECT highlight(f, 0, hex(zeroblob(1000000)), hex(zeroblob(1000000))) FROM f WHERE f MATCH 'some'",
            "SELECT snippet(f, 0, '', '', hex(zeroblob(1000000)), 64) FROM f('some words')",
            "SELECT bm25(f, 1e308, -1e308) FROM f('some') ORDER BY rank",
            "SELECT * FROM f_data, f_idx, f_content, f_config, f_docsize",
            "SELECT * FROM r_node, r_rowid, r_parent",
            "SELECT rtreecheck('r'), rtreedepth(zeroblob(1)), rtreenode(2, zeroblob(4000))",
            "SELECT rtreenode(1000000000, zeroblob(1000000))",
            "SELECT count(*) FROM json_tree((SELECT json_group_array(json_array(s, s, s)) FROM big)), big, big",
            "SELECT json_patch(json_group_array(s), json_group_array(i)) FROM big",
            "SELECT json_extract('[1]', '$' || hex(zeroblob(400000)))",
            "SELECT jsonb(zeroblob(1000000)), json(x'ffffffffffffffff'), json_each.* FROM json_each(x'cf00000000ffffffffff')",
            "SELECT * FROM dbstat",
            "SELECT sqlite_offset(a), sqlite_source_id(), sqlite_compileoption_get(0) FROM t",
            "SELECT strftime('%Y', 9e999), date('now', '+999999999999 years'), julianday(zeroblob(100))",
            "SELECT CAST(zeroblob(4000000) AS INTEGER), abs(-9223372036854775808), 1 % 0, 1 / 0, round(1e308, 2147483647)",
            "SELECT soundex(hex(zeroblob(1000000))), trim(hex(zeroblob(2000000)), hex(zeroblob(2000000)))",
            "SELECT instr(hex(zeroblob(1900000)), hex(zeroblob(1000000)) || '1')",
            "SELECT char(1, 0, -1, 1114112, 55296), unicode(''), substr('x', -9223372036854775807, 9223372036854775807)",
        ],
        &kinds,
    );
}

/// Peak memory of a process in megabytes; 0 if it has ended.
fn peak_megabytes(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn a_worker_stays_below_its_bound_and_bombs_cost_the_parent_nothing() {
    let place = Place::new();
    let sandbox = workers(&settings());
    sandbox.run(&place.database(), "SELECT 1");
    let program = peak_megabytes(sandbox.idle_workers()[0]);
    let own = peak_megabytes(std::process::id());
    for sql in [
        "SELECT a.s || b.s || hex(zeroblob(2000)) AS x FROM big a, big b ORDER BY x",
        "WITH RECURSIVE d(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM d) SELECT max(length(s)) FROM d",
        "SELECT group_concat(hex(zeroblob(100000)), '') FROM big a, big b",
        "SELECT count(*) FROM (SELECT DISTINCT a.s || b.s || hex(zeroblob(2000)) FROM big a, big b)",
    ] {
        let outcome = sandbox.run(&place.database(), sql).outcome;
        assert!(matches!(outcome, Outcome::TooLarge(_) | Outcome::Timeout(_)), "{sql}: {outcome:?}");
        // One that was killed for it has passed the test in its own way.
        let peak = sandbox.idle_workers().first().map_or(0, |&id| peak_megabytes(id));
        assert!(peak <= program + MEMORY_MB, "{sql}: {peak} MB, the program alone {program}");
    }
    assert!(peak_megabytes(std::process::id()) < own + 64);
}

#[test]
fn gold_queries_keep_right_answers_under_attack() {
    let place = Place::new();
    let attacked = workers(&SqlSettings { workers: Some(2), timeout: 0.5, ..settings() });
    let gold = attacked.trusted();
    let (over, right) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(first_cell(&gold.run(&place.database(), "SELECT sum(i) FROM big")), "2001000");
                right.fetch_add(1, Ordering::Relaxed);
            }
        });
        let bombs = scope.spawn(|| {
            for _ in 0..3 {
                for sql in [
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
                    "SELECT a.s || b.s || hex(zeroblob(2000)) AS x FROM big a, big b ORDER BY x",
                    "SELECT randomblob(1000000000)",
                    "DROP TABLE big",
                ] {
                    assert_ne!(attacked.run(&place.database(), sql).outcome.kind(), "rows");
                }
            }
            over.store(true, Ordering::Relaxed);
        });
        bombs.join().unwrap();
    });
    assert!(right.load(Ordering::Relaxed) > 0);
}

#[test]
fn one_long_operation_costs_a_worker_and_no_more_than_its_time() {
    let place = Place::new();
    let sandbox = workers(&settings());
    let before = sandbox.idle_workers();
    // A single call that SQLite cannot be interrupted in, and that would take minutes.
    let sql = "SELECT instr(hex(zeroblob(1900000)), hex(zeroblob(900000)) || '1')";
    let execution = sandbox.run(&place.database(), sql);
    assert_eq!(execution.outcome, Outcome::Timeout(Overrun::Clock));
    assert!(execution.elapsed < Duration::from_secs_f64(TIMEOUT) + MARGIN);
    assert_ne!(sandbox.idle_workers(), before, "the worker was replaced");
    assert_eq!(first_cell(&sandbox.run(&place.database(), "SELECT 17")), "17");
    assert_eq!(sandbox.tally().stopped_by_clock, 1);
}
