//! The speed of the reward against the plain Python recipe, on the same pairs: `scripts/bench-reward DATA PAIRS` runs both
//! in turn. `cargo bench --bench reward -- --data DIR --pairs FILE --mode cold|warm|gold [--in-memory] [--repeat N]`.
//!
//! Modes: `cold` scores all pairs once, from nothing: workers are started, databases opened, gold queries executed. `warm`
//! scores them with gold results at hand, and executes every distinct prediction. `gold` executes each distinct gold query
//! alone and tells how its times are distributed, without the database `wta_1`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    time::Instant,
};

use serde_json::{Value, json};
use sqlr1_tui::{
    data::Example,
    reward::Scorer,
    settings::{Comparison, RewardSettings, SqlSettings},
    sql::{Sandbox, WorkerProgram, database_file},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Pair {
    example: Example,
    prediction: String,
}

fn main() {
    let options = options();
    let (Some(data), Some(pairs)) = (options.get("data"), options.get("pairs")) else {
        println!("skipped: needs --data DIR and --pairs FILE, see scripts/bench-reward");
        return;
    };
    let pairs = read_pairs(&PathBuf::from(data), &PathBuf::from(pairs));
    let repeat = options.get("repeat").map_or(1, |n| n.parse().unwrap());
    let settings = SqlSettings {
        in_memory: options.contains_key("in-memory"),
        comparison: Comparison::Loose,
        ..SqlSettings::default()
    };
    let report = match options.get("mode").map_or("cold", String::as_str) {
        "gold" => gold_times(&pairs, &settings),
        mode => scoring(&pairs, &settings, mode == "warm", repeat),
    };
    println!("{report}");
}

fn options() -> BTreeMap<String, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |(i, a): (usize, &String)| {
        let value = arguments.get(i + 1).filter(|v| !v.starts_with("--")).cloned().unwrap_or_default();
        a.strip_prefix("--").map(|name| (name.to_owned(), value))
    };
    arguments.iter().enumerate().filter_map(flag).collect()
}

fn read_pairs(data: &std::path::Path, pairs: &std::path::Path) -> Vec<Pair> {
    let text = std::fs::read_to_string(pairs).unwrap();
    let pair = |(id, line): (usize, &str)| {
        let line: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| line[name].as_str().unwrap().to_owned();
        let (db_id, gold_sql) = (field("db_id"), field("gold"));
        let database = database_file(data, &db_id).unwrap();
        let example = Example { id, db_id, gold_sql, database, ..Example::default() };
        Pair { example, prediction: field("prediction") }
    };
    text.lines().enumerate().map(pair).collect()
}

/// Scores all pairs; warm, each distinct prediction once and the best of the repetitions, like Python.
fn scoring(pairs: &[Pair], settings: &SqlSettings, warm: bool, repeat: usize) -> Value {
    let mut seen = HashSet::new();
    let distinct = pairs.iter().filter(|p| seen.insert((&p.example.db_id, &p.prediction))).count();
    let program = || WorkerProgram::at(env!("CARGO_BIN_EXE_sqlr1-tui"));
    let start = Instant::now();
    let sandbox = Sandbox::in_workers(settings, program()).unwrap();
    let scorer = Scorer::new(sandbox.clone(), RewardSettings::default(), settings.comparison);
    let queries: Vec<_> = pairs.iter().map(|p| (&p.example, p.prediction.as_str())).collect();
    let score = || scorer.score_queries(&queries).iter().filter(|scored| scored.correct).count();
    let mut right = score();
    let mut seconds = start.elapsed().as_secs_f64();
    if warm {
        seconds = f64::INFINITY;
        for _ in 0..repeat {
            let start = Instant::now();
            right = score();
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
    }
    let tally = sandbox.tally();
    let pairs_per_s = pairs.len() as f64 / seconds;
    json!({"peer": "sqlr1-tui", "mode": if warm { "warm" } else { "cold" }, "in_memory": settings.in_memory,
           "pairs": pairs.len(), "distinct": distinct, "executed": tally.outcomes.values().sum::<u64>(), "right": right,
           "stopped_by_clock": tally.stopped_by_clock, "seconds": seconds, "pairs_per_s": pairs_per_s})
}

/// Times of gold queries in this process, as the trainer executes them, each the first time it is asked.
fn gold_times(pairs: &[Pair], settings: &SqlSettings) -> Value {
    let sandbox = Sandbox::in_process(settings).trusted();
    let questions: Vec<&Pair> = pairs.iter().filter(|p| p.example.db_id != "wta_1").collect();
    let run = |p: &&Pair| sandbox.run(&p.example.database, &p.example.gold_sql).elapsed.as_secs_f64() * 1e3;
    let mut millis: Vec<f64> = questions.iter().map(run).collect();
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[((millis.len() - 1) as f64 * share).round() as usize];
    json!({"peer": "sqlr1-tui", "mode": "gold", "questions": millis.len(), "p50_ms": at(0.5), "p99_ms": at(0.99),
           "max_ms": at(1.0)})
}
