//! A trainer that is steered: the commands of a cockpit, sent to a real session.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{path::Path, sync::Arc, thread};

use common::{mini_data, smollm2};
use sqlr1_tui::{
    rl::{control, session, setup},
    run::{
        bus::Bus,
        command::{Command, CommandSink},
        event::{CheckpointReason, EndReason, Event, Record, RunState},
        folder::RunFolder,
        reporter::Reporter,
        store::RunStore,
    },
    settings::Settings,
    sql::{Sandbox, WorkerProgram},
};

fn settings(model: &Path, steps: u64) -> Settings {
    let mut settings = Settings::default();
    settings.model.path = Some(model.display().to_string());
    settings.data.root = Some(mini_data());
    settings.lora.r = 2;
    settings.rollout.num_generations = 2;
    settings.rollout.max_completion_length = 6;
    settings.rollout.prompts_per_step = 1;
    settings.eval.questions = 2;
    settings.eval.at_start = false;
    settings.run.checkpoint_every = 0;
    settings.run.max_steps = Some(steps);
    settings
}

/// Runs a session, calls `steer` with every record, and returns how it ended with all that was stored.
fn run(settings: Settings, mut steer: impl FnMut(&Event, &dyn CommandSink)) -> (EndReason, Vec<Record>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let bus = Bus::default();
    let mut viewer = bus.subscribe().records;
    let reporter = Reporter::new(RunStore::open(&folder.store()).unwrap(), bus, None);
    let (remote, control) = control::line();
    let place = folder.clone();
    let program = WorkerProgram::at(env!("CARGO_BIN_EXE_sqlr1-tui"));
    let sandbox = Sandbox::in_workers(&settings.sql, program).unwrap();
    let trainer = thread::spawn(move || {
        session::run(&place, control, reporter, |watch| setup::load(settings, sandbox, &place, false, watch))
    });
    let mut next = || -> Option<Arc<Record>> { viewer.blocking_recv() };
    while let Some(record) = next() {
        steer(&record.event, &remote);
    }
    let ended = trainer.join().unwrap().unwrap();
    (ended.reason, RunStore::open_read_only(&folder.store()).unwrap().since(0, usize::MAX).unwrap())
}

/// The stored events but groups and log lines, as words.
fn words(records: &[Record]) -> Vec<String> {
    let word = |record: &Record| match &record.event {
        Event::State(changed) => Some(format!("{:?}", changed.state).to_lowercase()),
        Event::Step(done) => Some(format!("step {}", done.step)),
        Event::Checkpoint(saved) => Some(format!("checkpoint {} {:?}", saved.step, saved.reason).to_lowercase()),
        Event::Group(_) | Event::Log(_) => None,
        other => Some(other.kind().to_owned()),
    };
    records.iter().filter_map(word).collect()
}

#[test]
fn a_paused_trainer_checkpoints_evaluates_and_goes_on() {
    let Some(model) = smollm2() else { return };
    let mut stage = 0;
    let (reason, records) = run(settings(&model, 2), |event, remote| {
        let mut send = |at: i32, command| {
            if stage == at {
                stage += 1;
                remote.send(command);
            }
        };
        match event {
            Event::Progress(_) => send(0, Command::Pause),
            Event::State(changed) if changed.state == RunState::Paused => {
                send(1, Command::Checkpoint { note: None });
                send(3, Command::Resume);
            }
            Event::Checkpoint(saved) if saved.reason == CheckpointReason::Manual => send(2, Command::Evaluate),
            Event::Eval(_) => send(3, Command::Resume),
            _ => {}
        }
    });
    assert_eq!(reason, EndReason::Completed);
    let found = words(&records);
    let position =
        |word: &str| found.iter().position(|w| w == word).unwrap_or_else(|| panic!("no {word} in {found:?}"));
    let order = ["pausing", "paused", "checkpoint 1 manual", "eval", "step 2", "checkpoint 2 final", "ended", "end"];
    if found.contains(&"checkpoint 0 manual".to_owned()) {
        // The pause came before the first step.
        assert!(position("paused") < position("step 1"), "{found:?}");
    } else {
        let places: Vec<_> = order.iter().map(|word| position(word)).collect();
        assert!(places.is_sorted(), "{found:?}");
    }
    assert!(position("paused") < found.iter().rposition(|w| w == "running").unwrap(), "{found:?}");
}

#[test]
fn stopping_finishes_the_step_and_saves_or_does_neither() {
    let Some(model) = smollm2() else { return };
    for checkpoint in [true, false] {
        let mut sent = false;
        let (reason, records) = run(settings(&model, 50), |event, remote| {
            if matches!(event, Event::Step(done) if done.step == 1) && !sent {
                sent = true;
                remote.send(Command::Stop { checkpoint });
            }
        });
        assert_eq!(reason, EndReason::Stopped);
        let found = words(&records);
        assert_eq!(found.iter().any(|w| w.starts_with("checkpoint")), checkpoint, "{found:?}");
        assert!(found.iter().any(|w| w == "stopping"), "{found:?}");
        assert_eq!(found.last().map(String::as_str), Some("end"));
        let steps = found.iter().filter(|w| w.starts_with("step ")).count();
        assert!(steps < 10, "{found:?}");
    }
}

#[test]
fn stopping_while_paused_or_evaluating_ends_at_once() {
    let Some(model) = smollm2() else { return };
    let (reason, records) = run(settings(&model, 50), |event, remote| match event {
        Event::Step(_) => remote.send(Command::Pause),
        Event::State(changed) if changed.state == RunState::Paused => remote.send(Command::Stop { checkpoint: true }),
        _ => {}
    });
    assert_eq!(reason, EndReason::Stopped);
    assert!(words(&records).iter().any(|w| w.ends_with("final")));
    let mut evaluating = settings(&model, 50);
    evaluating.eval.at_start = true;
    evaluating.eval.questions = 4;
    let (reason, records) = run(evaluating, |event, remote| {
        if matches!(event, Event::Progress(p) if p.phase == sqlr1_tui::run::event::Phase::Evaluation) {
            remote.send(Command::Stop { checkpoint: true });
        }
    });
    assert_eq!(reason, EndReason::Stopped);
    let found = words(&records);
    assert!(!found.iter().any(|w| w.starts_with("step ") || w == "eval"), "{found:?}");
}
