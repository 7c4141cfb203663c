//! A made-up run for tests: the same records every time. Never used for anything that is shown to people.

use std::collections::BTreeMap;

use crate::run::{
    event::{
        Candidate, CheckpointReason, CheckpointSaved, DataSummary, EndReason, EvalDone, Event, GroupScored, LogLevel,
        LogLine, MemorySource, Method, ModelSummary, Phase, Progress, Record, ResultPreview, RunEnded, RunStarted,
        RunState, SCHEMA_VERSION, StateChanged, StepDone,
    },
    metrics::{self, Metrics},
    trace,
};

/// Builds a run's records with rising sequence numbers and times.
#[derive(Default)]
pub(crate) struct RunBuilder {
    records: Vec<Record>,
    seq: u64,
    time: f64,
}

impl RunBuilder {
    /// A run that was just taken up.
    pub fn new() -> Self {
        let mut builder = Self { time: 1_700_000_000.0, ..Self::default() };
        builder.add(Event::Run(Box::new(started(None))));
        builder
    }

    /// A run with so many steps, two questions each, and what comes with them.
    pub fn with_steps(steps: u64) -> Self {
        let mut builder = Self::new();
        builder.add(Event::State(StateChanged { state: RunState::Running }));
        builder.eval(0, 3);
        for step in 1..=steps {
            builder.step(step);
            if step % 20 == 0 {
                builder.eval(step, 3 + step as usize / 10);
                builder.checkpoint(step);
            }
        }
        builder
    }

    /// Adds any event.
    pub fn add(&mut self, event: Event) -> &mut Self {
        let seq = if event.is_stored() { self.seq + 1 } else { 0 };
        self.seq = self.seq.max(seq);
        self.time += 1.0;
        self.records.push(Record { seq, time: self.time, event });
        self
    }

    /// Adds a step with two groups.
    pub fn step(&mut self, step: u64) -> &mut Self {
        for group in 0..2 {
            self.add(Event::Group(Box::new(self::group(step, group))));
        }
        self.time += 20.0;
        let log = LogLine { level: LogLevel::Info, message: format!("step {step}: reward {:.3}", curve(step, 0.6)) };
        self.add(Event::Step(StepDone { step, metrics: step_metrics(step) }));
        self.add(Event::Log(log))
    }

    /// Adds a resumption from a step.
    pub fn resume(&mut self, from: u64) -> &mut Self {
        self.add(Event::Run(Box::new(started(Some(from)))));
        self.add(Event::State(StateChanged { state: RunState::Running }))
    }

    /// Adds a held-out evaluation with so many right answers of 32.
    pub fn eval(&mut self, step: u64, correct: usize) -> &mut Self {
        let share = correct as f64 / 32.0;
        self.add(Event::Eval(EvalDone {
            step,
            n: 32,
            correct,
            execution_accuracy: share,
            wilson: [(share - 0.12).max(0.0), (share + 0.15).min(1.0)],
            reward: share + 0.1,
            time: 30.0,
            best: true,
        }))
    }

    /// Adds a checkpoint.
    pub fn checkpoint(&mut self, step: u64) -> &mut Self {
        let path = format!("runs/test/checkpoint-{step}").into();
        self.add(Event::Checkpoint(CheckpointSaved {
            step,
            path,
            bytes: 1 << 20,
            reason: CheckpointReason::Periodic,
            note: None,
        }))
    }

    /// Adds progress within a phase.
    pub fn progress(&mut self, step: u64, phase: Phase, done: u64, total: u64) -> &mut Self {
        self.add(Event::Progress(Progress { step, phase, done, total }))
    }

    /// Adds a change of state.
    pub fn state(&mut self, state: RunState) -> &mut Self {
        self.add(Event::State(StateChanged { state }))
    }

    /// Adds the end.
    pub fn end(&mut self, step: u64, reason: EndReason) -> &mut Self {
        let checkpoint = Some(format!("runs/test/checkpoint-{step}").into());
        self.add(Event::End(RunEnded { step, reason, message: None, checkpoint, best: None }))
    }

    /// The records so far.
    pub fn records(&self) -> Vec<Record> {
        self.records.clone()
    }
}

/// A first event.
pub(crate) fn started(resumed_from: Option<u64>) -> RunStarted {
    RunStarted {
        schema_version: SCHEMA_VERSION,
        program_version: "0.1.0".into(),
        method: Method::Grpo,
        name: "test-run".into(),
        run_dir: "runs/test".into(),
        settings: serde_json::json!({"grpo": {"beta": 0.04}}),
        seed: 42,
        device: "cpu (2 threads)".into(),
        model: ModelSummary {
            name: "SmolLM2-135M-Instruct".into(),
            path: "models/smollm2.gguf".into(),
            architecture: "llama".into(),
            parameters: 134_515_008,
            trainable_parameters: 4_884_480,
            weight_bytes: 91_000_000,
            formats: "Q4_1 ×210, Q8_0 ×1, F32 ×61".into(),
        },
        data: DataSummary { root: "/data/spider".into(), train: 7000, dev: 1034, databases: Vec::new() },
        max_steps: 200,
        memory_source: MemorySource::Process,
        resumed_from,
        changes: Vec::new(),
    }
}

/// A value that rises towards `top` with a wobble.
fn curve(step: u64, top: f64) -> f64 {
    let x = step as f64;
    top * (1.0 - (-x / 40.0).exp()) + 0.05 * top * (x * 1.7).sin()
}

fn step_metrics(step: u64) -> Metrics {
    let x = step as f64;
    let mut metrics = Metrics::default();
    metrics.set(metrics::REWARD, curve(step, 0.6));
    metrics.set(metrics::REWARD_STD, 0.3);
    metrics.set(metrics::EXECUTION_ACCURACY, curve(step, 0.45).max(0.0));
    metrics.set(metrics::KL, 0.002 * x + 0.001 * (x * 0.9).cos());
    metrics.set(metrics::LOSS, 0.02 * (x * 0.7).sin());
    metrics.set(metrics::GRAD_NORM, 0.4 + 0.2 * (x * 1.3).sin().abs());
    metrics.set(metrics::ENTROPY, 0.9 - 0.002 * x);
    metrics.set(metrics::TOKENS_PER_SECOND, 61.0 + 4.0 * (x * 0.5).sin());
    metrics.set(metrics::MEMORY_BYTES, 1.1e9 + 1e6 * x.min(8.0));
    metrics.set(metrics::STEP_TIME, 21.0);
    metrics
}

/// A group of four candidates: right, other rows, an error, and no SQL at all.
pub(crate) fn group(step: u64, group: usize) -> GroupScored {
    let gold = table(&["name", "age"], &[&["Joe Sharp", "52"], &["Timbaland", "32"], &["Justin Brown", "29"]], 6);
    let right = candidate("SELECT name, age FROM singer ORDER BY age DESC", 1.0, 1.41, gold.clone());
    let other = candidate(
        "SELECT name FROM singer WHERE country = 'France'",
        0.3,
        -0.2,
        table(&["name"], &[&["Rose White"]], 1),
    );
    let mut broken = candidate("SELECT nmae FROM singer", 0.0, -0.61, ResultPreview::default());
    broken.result = ResultPreview {
        outcome: "unknown_name".into(),
        message: Some("no such column: nmae".into()),
        millis: 0.1,
        ..ResultPreview::default()
    };
    let mut silent =
        candidate("", 0.0, -0.6, ResultPreview { outcome: "empty_text".into(), ..ResultPreview::default() });
    silent.text = "I am sorry, I cannot say how many singers there are.".into();
    silent.finished = false;
    GroupScored {
        step,
        group,
        question_id: 100 * step as usize + group,
        db_id: "concert_singer".into(),
        question: "Show the name and age of all singers, from the oldest to the youngest.".into(),
        gold_sql: "SELECT name, age FROM singer ORDER BY age DESC".into(),
        gold,
        candidates: vec![other, right, broken, silent],
    }
}

fn candidate(sql: &str, reward: f64, advantage: f64, result: ResultPreview) -> Candidate {
    let execution = if reward >= 1.0 { 1.0 } else { 0.0 };
    let components = BTreeMap::from([("execution".to_owned(), execution), ("partial".to_owned(), reward)]);
    Candidate {
        text: format!("```sql\n{sql}\n```"),
        sql: sql.into(),
        reward,
        components,
        advantage,
        correct: reward >= 1.0,
        result,
        tokens: 8 + sql.len() / 3,
        finished: true,
        turns: Vec::new(),
        trace: traced(sql),
    }
}

/// A trace of a fenced query, a token every four characters, less and less probable up to a limit.
fn traced(sql: &str) -> String {
    let bytes = "```sql\n".len() + sql.len() + "\n```".len();
    let logprob = |at: usize| -((at % 7) as f32).powi(2) / 9.0;
    trace::encode((0..bytes.div_ceil(4)).map(|at| (4.min(bytes - 4 * at), logprob(at))))
}

/// A result with rows.
pub(crate) fn table(columns: &[&str], rows: &[&[&str]], total_rows: usize) -> ResultPreview {
    ResultPreview {
        outcome: "rows".into(),
        message: None,
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows: rows.iter().map(|row| row.iter().map(|c| (*c).to_owned()).collect()).collect(),
        total_rows,
        millis: 0.4,
    }
}
