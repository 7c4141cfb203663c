//! Trainers on the two small databases of tests/data/mini.

use std::{ops::ControlFlow, path::PathBuf};

use burn::tensor::Device;

use super::{setup, *};
use crate::{
    model::{BackwardOptions, Lora, LoraGrads},
    rl::watch::{Unwatched, Watch},
    run::{
        event::{Event, Phase},
        metrics,
    },
    settings::{LoraSettings, Settings},
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

fn events<P: Pupil>(trainer: &mut Trainer<P>) -> (Finished, Vec<Event>) {
    let mut events = Vec::new();
    let mut report = |event| {
        events.push(event);
        Ok(())
    };
    let finished = train(trainer, &mut Unwatched, &mut report).unwrap();
    (finished, events)
}

fn losses(events: &[Event]) -> Vec<f64> {
    let loss = |event: &Event| match event {
        Event::Step(done) => done.metrics.get(metrics::LOSS),
        _ => None,
    };
    events.iter().filter_map(loss).collect()
}

#[test]
fn a_model_from_scratch_learns_and_is_the_same_again() {
    let run = || {
        let mut trainer = setup::from_scratch(settings()).unwrap();
        let (finished, events) = events(&mut trainer);
        (finished, losses(&events), trainer.pupil.file().unwrap())
    };
    let (finished, losses, file) = run();
    assert_eq!((finished.step, losses.len(), finished.broken_off, finished.reached), (6, 6, false, false));
    assert_eq!(finished.last.unwrap().n, 4);
    assert!(losses[5] < losses[0] * 0.8, "{losses:?}");
    assert_eq!(run().2, file);
}

#[test]
fn training_ends_where_the_accuracy_wanted_is_reached() {
    let mut settings = settings();
    // No accuracy is below this one, so that the first evaluation reaches it.
    settings.sft.target_accuracy = Some(f64::MIN_POSITIVE);
    settings.eval.every = 2;
    let mut trainer = setup::from_scratch(settings).unwrap();
    let (finished, events) = events(&mut trainer);
    let accuracy = finished.last.unwrap().execution_accuracy;
    assert_eq!(finished.reached, accuracy > 0.0);
    let expected = if finished.reached { finished.step } else { 6 };
    assert_eq!((losses(&events).len() as u64, finished.step % 2), (expected, 0));
}

#[test]
fn an_adapter_learns_while_its_base_stays() {
    let model = setup::from_scratch(settings()).unwrap().pupil.quantized().unwrap();
    let adapter = Lora::new(&model.config, &LoraSettings::default(), 1, &Device::flex()).unwrap();
    let scratch = setup::from_scratch(settings()).unwrap();
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
    let (_, events) = events(&mut trainer);
    let losses = losses(&events);
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
    let mut trainer = setup::from_scratch(settings()).unwrap();
    let before = trainer.pupil.file().unwrap();
    assert!(trainer.step(&mut Impatient(Phase::Update)).unwrap().is_none());
    assert!(trainer.evaluate(&mut Impatient(Phase::Evaluation)).unwrap().is_none());
    assert_eq!((trainer.progress.step, trainer.pupil.file().unwrap()), (0, before));
    let finished = train(&mut trainer, &mut Impatient(Phase::Update), &mut |_| Ok(())).unwrap();
    assert!(finished.broken_off && finished.step == 0);
}

#[test]
fn limits_that_fit_nothing_are_explained() {
    let mut settings = settings();
    settings.data.max_prompt_tokens = 16;
    let mut trainer = setup::from_scratch(settings).unwrap();
    assert_eq!((trainer.lessons.all.len(), trainer.lessons.too_long), (0, 8));
    let error = trainer.step(&mut Unwatched).unwrap_err().to_string();
    assert!(error.contains("length limits"), "{error}");
}
