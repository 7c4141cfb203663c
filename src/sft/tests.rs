//! Trainers on the two small databases of tests/data/mini.

use std::{ops::ControlFlow, path::PathBuf};

use burn::tensor::Device;

use super::{setup, *};
use crate::{
    model::{BackwardOptions, Lora, LoraGrads},
    rl::{
        TrainError, control,
        learner::Learner,
        session::{self, Loaded},
        watch::{Unwatched, Watch},
    },
    run::{
        bus::Bus,
        event::{EndReason, EvalDone, Event, Method, Phase, RunEnded},
        folder::RunFolder,
        metrics,
        reporter::Reporter,
        store::RunStore,
    },
    settings::{LoraSettings, Settings},
    sql::Sandbox,
};

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.data.root = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/mini"));
    (settings.scratch.hidden_size, settings.scratch.intermediate_size) = (64, 96);
    (settings.scratch.num_hidden_layers, settings.scratch.num_attention_heads) = (2, 4);
    settings.scratch.num_key_value_heads = 2;
    settings.scratch.vocab_size = 512;
    (settings.optim.learning_rate, settings.optim.warmup_steps) = (1e-2, 2);
    settings.eval.at_start = false;
    settings.run.max_steps = Some(6);
    settings
}

fn sandbox() -> Sandbox {
    Sandbox::in_process(&settings().sql)
}

/// A run in a folder of its own.
struct Run {
    folder: RunFolder,
    _dir: tempfile::TempDir,
}

impl Run {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { folder: RunFolder::create(&dir.path().join("run")).unwrap(), _dir: dir }
    }

    /// A session in it, to its end; all events that the run has stored by then.
    fn conduct<L: Learner>(
        &self,
        load: impl FnOnce(&RunFolder, &mut dyn Watch) -> Result<Loaded<L>, TrainError>,
    ) -> (RunEnded, Vec<Event>) {
        let reporter = Reporter::new(RunStore::open(&self.folder.store()).unwrap(), Bus::default(), None);
        let (_remote, control) = control::line();
        let ended = session::run(&self.folder, control, reporter, |watch| load(&self.folder, watch)).unwrap();
        let records = RunStore::open_read_only(&self.folder.store()).unwrap().since(0, usize::MAX).unwrap();
        (ended, records.into_iter().map(|record| record.event).collect())
    }

    fn scratch(&self, settings: Settings, resume: bool) -> (RunEnded, Vec<Event>) {
        self.conduct(|folder, watch| setup::from_scratch(settings, sandbox(), folder, resume, watch))
    }
}

/// A trainer without a session.
fn trainer(settings: Settings) -> Trainer<Scratch> {
    setup::from_scratch(settings, sandbox(), &Run::new().folder, false, &mut Unwatched).unwrap().trainer
}

fn file(ended: &RunEnded, name: &str) -> Vec<u8> {
    std::fs::read(ended.checkpoint.as_ref().unwrap().join(name)).unwrap()
}

fn last_eval(events: &[Event]) -> &EvalDone {
    match events.iter().rev().find(|event| matches!(event, Event::Eval(_))) {
        Some(Event::Eval(done)) => done,
        _ => panic!("there was no evaluation"),
    }
}

fn losses(events: &[Event]) -> Vec<f64> {
    let loss = |event: &Event| match event {
        Event::Step(done) => done.metrics.get(metrics::LOSS),
        _ => None,
    };
    events.iter().filter_map(loss).collect()
}

#[test]
fn a_model_from_scratch_learns_is_the_same_again_and_shows_its_answers() {
    let run = Run::new();
    let (ended, events) = run.scratch(settings(), false);
    let losses = losses(&events);
    assert_eq!((ended.step, ended.reason, losses.len()), (6, EndReason::Completed, 6));
    assert!(matches!(&events[1], Event::Run(started) if started.method == Method::Sft), "{:?}", events[1]);
    assert_eq!(last_eval(&events).n, 4);
    let answers = events.iter().filter(|event| matches!(event, Event::Group(group) if group.step == 6));
    assert_eq!(answers.count(), 4);
    assert!(losses[5] < losses[0] * 0.8, "{losses:?}");
    let second = Run::new();
    let (again, _) = second.scratch(settings(), false);
    assert_eq!(file(&ended, scratch::MODEL_FILE), file(&again, scratch::MODEL_FILE));
}

#[test]
fn a_resumed_run_equals_one_that_ran_through() {
    let mut short = settings();
    short.run.max_steps = Some(3);
    let run = Run::new();
    run.scratch(short, false);
    let (resumed, events) = run.scratch(settings(), true);
    assert!(events.iter().any(|event| matches!(event, Event::Run(started) if started.resumed_from == Some(3))));
    let whole = Run::new();
    let (through, _) = whole.scratch(settings(), false);
    for name in [scratch::MODEL_FILE, "network.safetensors"] {
        assert!(file(&resumed, name) == file(&through, name), "{name}");
    }
}

#[test]
fn training_ends_where_the_accuracy_wanted_is_reached() {
    for (wanted, steps) in [(0.0, 2), (1.1, 6)] {
        let mut settings = settings();
        settings.sft.target_accuracy = Some(wanted);
        settings.eval.every = 2;
        let (ended, events) = Run::new().scratch(settings, false);
        assert_eq!((ended.step, losses(&events).len()), (steps, steps as usize), "{wanted}");
    }
}

#[test]
fn an_adapter_learns_while_its_base_stays() {
    let model = trainer(settings()).pupil.quantized().unwrap();
    let adapter = Lora::new(&model.config, &LoraSettings::default(), 1, &Device::flex()).unwrap();
    let scratch = trainer(settings());
    let pupil = Adapted { model, adapter, options: BackwardOptions::default() };
    let Trainer { lessons, exam, scorer, settings, .. } = scratch;
    let lesson: Vec<&Lesson> = lessons.all.iter().take(1).collect();
    let bundle = Bundle::new(&lesson);
    let mut grads = LoraGrads::of(&pupil.adapter);
    let loss = pupil.gradient(&bundle, 1.0, &mut grads).unwrap();
    let scores = pupil.model.score(None, &bundle.packed, 1.0).unwrap();
    let expected: f64 = scores.logprobs[0][bundle.answers[0]..].iter().map(|&l| -f64::from(l)).sum();
    assert!((loss - expected).abs() < 1e-4, "{loss} {expected}");

    let mut trainer = Trainer::new(pupil, lessons, exam, scorer, settings);
    let step = |trainer: &mut Trainer<Adapted>| {
        trainer.step(&mut Unwatched).unwrap().unwrap().done.metrics.get(metrics::LOSS).unwrap()
    };
    let losses: Vec<f64> = (0..6).map(|_| step(&mut trainer)).collect();
    assert!(losses[5] < losses[0] * 0.9, "{losses:?}");
    let folder = tempfile::tempdir().unwrap();
    trainer.save(folder.path()).unwrap();
    let back = Lora::load(folder.path(), &trainer.pupil.model.config, &Device::flex()).unwrap();
    assert_eq!(back.params.len(), trainer.pupil.adapter.params.len());
}

/// Breaks off in a phase.
struct Impatient(Phase);

impl Watch for Impatient {
    fn progress(&mut self, phase: Phase, _: u64, _: u64) -> ControlFlow<()> {
        if phase == self.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn a_step_that_is_broken_off_changes_nothing() {
    let mut trainer = trainer(settings());
    let before = trainer.pupil.file().unwrap();
    assert!(trainer.step(&mut Impatient(Phase::Update)).unwrap().is_none());
    assert!(trainer.evaluate(&mut Impatient(Phase::Evaluation)).unwrap().is_none());
    assert_eq!((trainer.progress.step, trainer.pupil.file().unwrap()), (0, before));
}

#[test]
fn limits_that_fit_nothing_are_explained() {
    let mut settings = settings();
    settings.data.max_prompt_tokens = 16;
    let mut trainer = trainer(settings);
    assert_eq!((trainer.lessons.all.len(), trainer.lessons.too_long), (0, 8));
    let error = trainer.step(&mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("length limits"), "{error}");
}
