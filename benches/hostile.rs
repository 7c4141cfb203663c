//! How long after its deadline a query that cannot stop by itself ends: `cargo bench --bench hostile`. The aim is 100 ms on a
//! quiet machine. Each attack runs ten times with a deadline of 0.5 s, in a worker of the built program.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Duration;

use sqlr1_tui::{
    settings::SqlSettings,
    sql::{Sandbox, WorkerProgram},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEADLINE: Duration = Duration::from_millis(500);
const ROUNDS: usize = 10;

const ATTACKS: [(&str, &str); 4] = [
    ("endless recursion", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"),
    ("cross joins", "SELECT count(*) FROM b x, b y, b z, b w"),
    ("a sort that grows", "SELECT x.i FROM b x, b y, b z ORDER BY x.i + y.i + z.i"),
    ("one call that takes minutes", "SELECT instr(hex(zeroblob(1900000)), hex(zeroblob(900000)) || '1')"),
];

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("d.sqlite");
    let numbers =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) INSERT INTO b SELECT i FROM n";
    rusqlite::Connection::open(&database).unwrap().execute_batch(&format!("CREATE TABLE b(i); {numbers}")).unwrap();
    let settings = SqlSettings {
        timeout: DEADLINE.as_secs_f64(),
        max_steps: u64::MAX / 2,
        workers: Some(1),
        ..SqlSettings::default()
    };
    let sandbox = Sandbox::in_workers(&settings, WorkerProgram::at(env!("CARGO_BIN_EXE_sqlr1-tui"))).unwrap();
    for (name, sql) in ATTACKS {
        let runs = (0..ROUNDS).map(|_| sandbox.run(&database, sql));
        let late: Vec<(Duration, &str)> =
            runs.map(|run| (run.elapsed.saturating_sub(DEADLINE), run.outcome.kind())).collect();
        let worst = late.iter().max().copied().unwrap_or_default();
        println!("{name:<30} at most {:6.1} ms after the deadline ({})", worst.0.as_secs_f64() * 1e3, worst.1);
    }
}
