//! Sessions of a learner whose accuracies are given.

use std::path::Path;

use super::*;
use crate::{
    rl::{changes, control, learner::Examined, policy::TrainerState, trainer::StepOutput},
    run::{
        bus::Bus,
        checkpoint::Checkpoint,
        event::{EvalDone, SettingChanged, StepDone},
        fixture::started,
        metrics::{self, Metrics},
        store::RunStore,
    },
    settings::Settings,
};

/// Learns nothing; its accuracy after so many steps is in a list, by the evaluation.
struct Scripted {
    accuracies: &'static [f64],
    settings: Settings,
    progress: TrainerState,
}

impl Learner for Scripted {
    fn step(&mut self, _watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        self.progress.step += 1;
        // Far from the reference from the third step on.
        let kl = if self.progress.step < 3 { 0.1 } else { 9.0 };
        let metrics = Metrics([(metrics::KL.to_owned(), kl)].into());
        let done = StepDone { step: self.progress.step, metrics };
        Ok(Some(StepOutput { done, groups: Vec::new(), gradients: None, warnings: Vec::new() }))
    }

    fn evaluate(&mut self, _watch: &mut dyn Watch) -> Result<Option<Examined>, TrainError> {
        let (step, every) = (self.progress.step, self.settings.eval.every);
        let execution_accuracy = self.accuracies[(step / every) as usize];
        let best = self.progress.note_evaluation(execution_accuracy, every);
        let wilson = [0.0, 1.0];
        let done = EvalDone { step, n: 10, correct: 0, execution_accuracy, wilson, reward: 0.0, time: 0.0, best };
        Ok(Some(Examined { done, groups: Vec::new() }))
    }

    fn save(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.progress.save(dir)
    }

    fn roll_back(&mut self, from: &Checkpoint) -> Result<(), TrainError> {
        self.progress = TrainerState::load(&from.path)?;
        Ok(())
    }

    fn change(&mut self, change: SettingChanged) -> Result<(), String> {
        changes::note(&self.settings.clone(), &mut self.progress, change)
    }

    fn progress(&self) -> &TrainerState {
        &self.progress
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn max_steps(&self) -> u64 {
        self.settings.run.max_steps.unwrap()
    }

    fn line(&self, _done: &StepDone) -> String {
        String::new()
    }
}

/// An evaluation every 2 steps of at most `max_steps`, from the newest checkpoint on.
fn train(folder: &RunFolder, accuracies: &'static [f64], max_steps: u64, patience: Option<u64>) -> RunEnded {
    let mut settings = Settings::default();
    (settings.eval.every, settings.eval.patience) = (2, patience);
    (settings.run.max_steps, settings.run.checkpoint_every, settings.run.keep_checkpoints) = (Some(max_steps), 1, 1);
    let from = checkpoint::newest(&folder.checkpoints()).unwrap().0;
    let progress = from.map_or_else(TrainerState::default, |from| TrainerState::load(&from.path).unwrap());
    let resumed_from = (progress.step > 0).then_some(progress.step);
    let reporter = Reporter::new(RunStore::open(&folder.store()).unwrap(), Bus::default(), None);
    let load = |_: &mut dyn Watch| {
        let trainer = Scripted { accuracies, settings, progress };
        let (memory, started) = (MemoryMeter::new(None), started(resumed_from));
        Ok(Loaded { trainer, started, memory, notes: Vec::new() })
    };
    // The line must stay open: a trainer that nobody can reach stops.
    let (_remote, control) = control::line();
    run(folder, control, reporter, load).unwrap()
}

#[test]
fn an_alarm_goes_on_over_a_resumption() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path()).unwrap();
    let alarms = || -> Vec<_> {
        let records = RunStore::read_run(&folder.store()).unwrap().records;
        let alarm = |event| if let Event::Alarm(alarm) = event { Some(*alarm) } else { None };
        records.into_iter().filter_map(|record| alarm(record.event)).collect()
    };
    train(&folder, &[0.1; 11], 12, None);
    let before = alarms();
    let [raised] = &before[..] else { panic!("{before:?}") };
    assert!(raised.active && raised.detector == "kl", "{raised:?}");
    train(&folder, &[0.1; 11], 20, None);
    let after = alarms();
    let [_, again] = &after[..] else { panic!("{after:?}") };
    assert_eq!((again.active, &again.detector, again.since), (true, &raised.detector, raised.since));
    assert_eq!(again.step, 12, "where it was taken up");
}

fn kept(folder: &RunFolder) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder.checkpoints())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const RISE_AND_FALL: &[f64] = &[0.1, 0.3, 0.5, 0.4, 0.5, 0.2, 0.9, 0.1, 0.1, 0.1, 0.1];

#[test]
fn a_run_that_gets_no_better_ends_early_and_offers_the_best() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path()).unwrap();
    let ended = train(&folder, RISE_AND_FALL, 20, Some(3));
    // Best at step 4; 6, 8 and 10 are not better.
    assert_eq!((ended.step, ended.reason), (10, EndReason::EarlyStopped));
    assert_eq!(
        kept(&folder),
        ["step-00000004", "step-00000010"],
        "the best, and the last, which is the newest periodic one"
    );
    let best = ended.best.as_ref().unwrap();
    assert_eq!((best.step, best.execution_accuracy), (4, 0.5));
    assert!(ended.offered().unwrap().ends_with("step-00000004"), "{ended:?}");
    let records = RunStore::read_run(&folder.store()).unwrap().records;
    let told = records.iter().any(
        |record| matches!(&record.event, Event::Log(line) if line.message.contains("the best is 50.0 % at step 4")),
    );
    assert!(told);
    let again = train(&folder, RISE_AND_FALL, 20, Some(3));
    assert_eq!((again.step, again.reason), (10, EndReason::EarlyStopped), "it is still out of patience");
}

#[test]
fn patience_lasts_over_a_resumption() {
    for stop in 1..10 {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        let first = train(&folder, RISE_AND_FALL, stop, Some(3));
        assert_eq!((first.step, first.reason), (stop, EndReason::Completed));
        // What a run evaluates because it ends is no evaluation by the calendar, unless one was due.
        let ended = train(&folder, RISE_AND_FALL, 20, Some(3));
        assert_eq!((ended.step, ended.reason), (10, EndReason::EarlyStopped), "stopped at {stop}");
    }
}

#[test]
fn without_patience_all_steps_are_done_and_the_newest_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path()).unwrap();
    let ended = train(&folder, RISE_AND_FALL, 20, None);
    assert_eq!((ended.step, ended.reason), (20, EndReason::Completed));
    assert_eq!(ended.best.as_ref().unwrap().step, 12);
    assert!(ended.offered().unwrap().ends_with("step-00000020"));
    assert_eq!(kept(&folder), ["step-00000012", "step-00000019", "step-00000020"]);
}
