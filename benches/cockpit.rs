//! How long the cockpit takes to draw: `cargo bench --bench cockpit`.
//!
//! The run is made here and has 10,000 steps, with two questions of eight candidates each and a held-out evaluation every hundred steps. A
//! frame at 200x60 with all panes is to take less than 2 ms: at fifteen frames a second that is three per cent of one core.
#![allow(clippy::unwrap_used)]

use std::{hint::black_box, path::Path, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};
use sqlr1_tui::{
    cockpit::{
        App, Symbols, draw,
        theme::{ColorDepth, Theme, ThemeFile},
    },
    run::{
        event::{Candidate, EvalDone, Event, GroupScored, Record, ResultPreview, StepDone},
        metrics::{self, Metrics},
    },
    settings::{CHARTS, ChartSetting},
};

const STEPS: u64 = 10_000;

/// A value that looks like a metric: a trend with noise, the same every time.
fn value(step: u64, salt: u64) -> f64 {
    let noise = (step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(salt) >> 33) as f64 / f64::from(u32::MAX);
    (step as f64 / STEPS as f64).sqrt() + noise
}

fn candidate(step: u64, at: u64) -> Candidate {
    let sql = format!("SELECT name, age FROM singer WHERE age > {} ORDER BY age DESC LIMIT {at}", step % 90);
    Candidate {
        text: sql.clone(),
        sql,
        reward: value(step, at),
        components: [("execution".to_owned(), 1.0), ("partial".to_owned(), 0.5)].into(),
        advantage: value(step, at) - 1.0,
        correct: at == 0,
        result: ResultPreview {
            outcome: "rows".into(),
            columns: vec!["name".into(), "age".into()],
            rows: vec![vec!["Joe Sharp".into(), "52".into()]; 8],
            total_rows: 8,
            ..ResultPreview::default()
        },
        tokens: 24 + at as usize,
        finished: true,
        turns: Vec::new(),
        trace: String::new(),
    }
}

fn events(step: u64) -> Vec<Event> {
    let mut metrics = Metrics::default();
    let others = ["completions/min_length", "completions/max_length", "rewards/execution/mean", "outcomes/rows"];
    let clips = ["clip_ratio/low_mean", "clip_ratio/high_mean", "memory/weights", "memory/adapters"];
    let names = metrics::CATALOG.iter().map(|info| info.name).chain(others).chain(clips);
    for (name, salt) in names.zip(1..) {
        metrics.set(name, value(step, salt));
    }
    metrics.set(metrics::NUM_TOKENS, 1000.0 * step as f64);
    let group = |group: usize| GroupScored {
        step,
        group,
        question_id: group,
        db_id: "concert_singer".into(),
        question: "Show the name and age of all singers, from the oldest to the youngest.".into(),
        gold_sql: "SELECT name, age FROM singer ORDER BY age DESC".into(),
        gold: ResultPreview::default(),
        candidates: (0..8).map(|at| candidate(step, at)).collect(),
    };
    let mut events: Vec<Event> = (0..2).map(|at| Event::Group(Box::new(group(at)))).collect();
    events.push(Event::Step(StepDone { step, metrics }));
    if step.is_multiple_of(100) {
        let accuracy = value(step, 7) / 2.0;
        events.push(Event::Eval(EvalDone {
            step,
            n: 100,
            correct: 40,
            execution_accuracy: accuracy,
            wilson: [accuracy - 0.1, accuracy + 0.1],
            reward: 0.5,
            time: 10.0,
            best: false,
        }));
    }
    events
}

fn app() -> App {
    let theme = Theme::new(ThemeFile::load("night", Path::new("")).unwrap(), ColorDepth::True);
    let mut app = App::new(theme, &Symbols::UNICODE, None);
    for (event, seq) in (1..=STEPS).flat_map(events).zip(1..) {
        app.record(&Record { seq, time: 1e9 + seq as f64, event });
    }
    app
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = if key == '\t' { KeyCode::Tab } else { KeyCode::Char(key) };
        app.key(&KeyEvent::new(code, KeyModifiers::NONE));
    }
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.measurement_time(Duration::from_secs(4)).warm_up_time(Duration::from_secs(1)).sample_size(50);
    let all: Vec<ChartSetting> = CHARTS.iter().map(|name| ChartSetting::named(name)).collect();
    let cases: [(&str, &str, &[ChartSetting]); 6] = [
        ("as it starts", "", &[]),
        ("cursor", "v", &[]),
        ("min-max", "m", &[]),
        ("by tokens, closer", "XwwW", &[]),
        ("chart alone", "\t\tz", &[]),
        ("first page of all charts", "", &all),
    ];
    let mut app = app();
    let area = Rect::new(0, 0, 200, 60);
    for (name, keys, charts) in cases {
        app.ui = App::new(app.theme.clone(), app.symbols, None).ui;
        app.arrange(charts);
        press(&mut app, keys);
        app.ui.toast = None;
        group.bench_function(BenchmarkId::new(name, "200x60"), |bench| {
            bench.iter(|| {
                let mut buf = Buffer::empty(area);
                draw(&mut app, area, &mut buf);
                black_box(buf)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
