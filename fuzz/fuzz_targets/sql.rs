//! Any bytes as a query, in this process so that the fuzzer sees which paths it takes: no panic, no write, a typed outcome.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use sqlr1_tui::{settings::SqlSettings, sql::Sandbox};

struct Place {
    database: PathBuf,
    content: Vec<u8>,
    sandbox: Sandbox,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let database = std::env::temp_dir().join(format!("sqlr1-fuzz-{}.sqlite", std::process::id()));
    // A leftover of an earlier process with the same number.
    let _ = fs::remove_file(&database);
    rusqlite::Connection::open(&database)
        .and_then(|connection| {
            connection.execute_batch(
                "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL);
                 CREATE TABLE big(i INTEGER, s TEXT); INSERT INTO big SELECT value, hex(value) FROM json_each('[1,2,3,4,5]');
                 CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('some words here');
                 CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0.0, 1.0);",
            )
        })
        .expect("a database to attack");
    let settings = SqlSettings { max_steps: 200_000, max_cell_bytes: 1 << 16, timeout: 2.0, ..SqlSettings::default() };
    let content = fs::read(&database).expect("the database");
    Place { sandbox: Sandbox::in_process(&settings), database, content }
});

fuzz_target!(|bytes: &[u8]| {
    let sql = String::from_utf8_lossy(bytes);
    let execution = PLACE.sandbox.run(&PLACE.database, &sql);
    assert!(execution.elapsed < Duration::from_secs(20), "{sql}");
    assert!(fs::read(&PLACE.database).is_ok_and(|content| content == PLACE.content), "{sql}");
});
