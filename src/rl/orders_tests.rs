//! Orders in a real session of the demonstration's model: changes, going back, questions, one step, the doctor's pause.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::json;

use super::{
    changes,
    control::{self, Remote},
    session::{self, Loaded},
    setup,
    testing::demo_loaded,
    trainer::Trainer,
    watch::Unwatched,
};
use crate::{
    run::{
        bus::Bus,
        command::{Command, CommandSink as _},
        event::{Event, RunEnded, RunState, SettingChanged},
        folder::RunFolder,
        reporter::Reporter,
        store::RunStore,
    },
    settings::{Detector, Policy, Settings},
    sql::Sandbox,
};

/// A session of `loaded` in a folder; `react` is called with each event and the line to the trainer. All events.
fn conduct(
    folder: &RunFolder,
    loaded: Loaded<Trainer>,
    mut react: impl FnMut(&Event, &Remote),
) -> (Vec<Event>, RunEnded) {
    let bus = Bus::default();
    let mut viewer = bus.subscribe().records;
    let (remote, control) = control::line();
    let place = folder.clone();
    let conducted = std::thread::spawn(move || {
        let reporter = Reporter::new(RunStore::open(&place.store()).unwrap(), bus, None);
        session::run(&place, control, reporter, |_| Ok(loaded))
    });
    let mut events = Vec::new();
    while let Some(record) = viewer.blocking_recv() {
        react(&record.event, &remote);
        events.push(record.event.clone());
    }
    (events, conducted.join().unwrap().unwrap())
}

fn short(settings: &mut Settings, steps: u64) {
    (settings.eval.at_start, settings.eval.questions) = (false, 0);
    (settings.run.max_steps, settings.run.checkpoint_every) = (Some(steps), 0);
    settings.rollout.num_generations = 2;
    settings.rollout.max_completion_length = 12;
}

fn set(key: &str, value: impl Into<serde_json::Value>) -> Command {
    Command::Set { key: key.into(), value: value.into() }
}

/// All of a checkpoint but its manifest.
fn files(folder: &RunFolder, step: u64) -> BTreeMap<String, Vec<u8>> {
    let dir = folder.checkpoints().join(format!("step-{step:08}"));
    let read = |path: &Path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap());
    let mut files: BTreeMap<_, _> = fs::read_dir(dir).unwrap().map(|entry| read(&entry.unwrap().path())).collect();
    files.remove("manifest.json");
    assert!(files.len() >= 3, "{:?}", files.keys());
    files
}

fn folder() -> (tempfile::TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run")).unwrap();
    (dir, folder)
}

/// Pauses after the first step; then sends `orders`, and goes on once the last of them is acknowledged.
fn after_first_step(orders: Vec<Command>, acknowledged: usize) -> impl FnMut(&Event, &Remote) {
    let (mut orders, mut seen) = (Some(orders), 0);
    move |event, remote| match event {
        Event::Run(_) => remote.send(Command::Pause),
        Event::State(changed) if changed.state == RunState::Paused => {
            for order in orders.take().into_iter().flatten() {
                remote.send(order);
            }
        }
        Event::Changed(_) | Event::Refused(_) | Event::Answer(_) => {
            seen += 1;
            if seen == acknowledged {
                remote.send(Command::Resume);
            }
        }
        _ => {}
    }
}

#[test]
fn a_run_whose_settings_were_changed_resumes_to_the_bit() {
    let orders = || {
        vec![
            set("optim.learning_rate", 3e-4),
            set("rollout.num_generations", 4),
            set("reward.partial", 0.9),
            set("rollout.temperature", 0),
            set("lora.r", 2),
        ]
    };
    let (_first, through) = folder();
    let (events, ended) = conduct(&through, demo_loaded(|settings| short(settings, 3)), after_first_step(orders(), 5));
    assert_eq!(ended.step, 3);
    let changed: Vec<&SettingChanged> = events
        .iter()
        .filter_map(|event| if let Event::Changed(change) = event { Some(change) } else { None })
        .collect();
    let told: Vec<_> = changed.iter().map(|change| (change.key.as_str(), &change.new)).collect();
    let expected =
        [("optim.learning_rate", json!(3e-4)), ("rollout.num_generations", json!(4)), ("reward.partial", json!(0.9))];
    assert_eq!(told, expected.iter().map(|(key, value)| (*key, value)).collect::<Vec<_>>());
    let first = changed[0].takes_effect;
    assert!((1..=2).contains(&first) && changed[0].old == json!(1e-4), "{:?}", changed[0]);
    let refused: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::Refused(refusal) = event { Some(&refusal.reason) } else { None })
        .collect();
    assert!(refused[0].contains("above 0, up to 10") && refused[1].contains("new run"), "{refused:?}");
    let sizes: Vec<usize> = events
        .iter()
        .filter_map(|event| if let Event::Group(group) = event { Some(group.candidates.len()) } else { None })
        .collect();
    assert_eq!(sizes.last(), Some(&4), "{sizes:?}");

    // The same with a stop in the middle, taken up from its checkpoint.
    let (_second, stopped) = folder();
    let mut react = after_first_step(orders(), 5);
    conduct(&stopped, demo_loaded(|settings| short(settings, 3)), |event, remote| {
        react(event, remote);
        if matches!(event, Event::Step(done) if done.step == 2) {
            remote.send(Command::Stop { checkpoint: true });
        }
    });
    let mut asked = None;
    demo_loaded(|settings| {
        short(settings, 3);
        asked = Some(settings.clone());
    });
    let asked = asked.unwrap();
    let sandbox = Sandbox::in_process(&asked.sql);
    let loaded = setup::load(asked, sandbox, &stopped, true, &mut Unwatched).unwrap();
    assert_eq!(loaded.started.changes.len(), 3);
    assert_eq!(loaded.started.settings["reward"]["partial"], json!(0.9), "what the run says of its settings");
    conduct(&stopped, loaded, |_, _| {});
    assert_eq!(files(&stopped, 3), files(&through, 3));
}

#[test]
fn questions_change_nothing_of_a_run() {
    let ask = |database: &str| Command::Ask { database: database.into(), question: "How many rows are there?".into() };
    let loaded = demo_loaded(|settings| short(settings, 3));
    let database = loaded.started.data.databases[0].clone();
    let (_first, asked) = folder();
    let orders = vec![ask(&database), ask("no_such_database"), ask(&database)];
    let (events, _) = conduct(&asked, loaded, after_first_step(orders, 3));
    let answers: Vec<_> =
        events.iter().filter_map(|event| if let Event::Answer(answer) = event { Some(answer) } else { None }).collect();
    assert_eq!(answers.len(), 2);
    assert!(answers[0].base.is_some() && !answers[0].policy.result.outcome.is_empty(), "{:?}", answers[0]);
    let same = |at: usize| (answers[at].base.as_ref().unwrap().text.clone(), answers[at].policy.text.clone());
    assert_eq!(same(0), same(1), "greedy");
    assert!(events.iter().any(|event| matches!(event, Event::Refused(r) if r.reason.contains("no_such_database"))));
    let (_second, silent) = folder();
    conduct(&silent, demo_loaded(|settings| short(settings, 3)), |_, _| {});
    assert_eq!(files(&asked, 3), files(&silent, 3));
}

#[test]
fn going_back_trains_the_same_steps_again_and_later_checkpoints_are_void() {
    let (_dir, run) = folder();
    let mut went_back = false;
    let loaded = demo_loaded(|settings| {
        short(settings, 3);
        settings.run.checkpoint_every = 1;
    });
    let (events, ended) = conduct(&run, loaded, |event, remote| match event {
        Event::Checkpoint(saved) if saved.step == 2 && !went_back => {
            went_back = true;
            remote.send(Command::RollBack { checkpoint: 1 });
            remote.send(Command::RollBack { checkpoint: 99 });
        }
        _ => {}
    });
    assert_eq!(ended.step, 3);
    let from: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::Run(run) = event { Some(run.resumed_from) } else { None })
        .collect();
    assert_eq!(from, [None, Some(1)]);
    assert!(events.iter().any(|event| matches!(event, Event::Refused(r) if r.reason.contains("step 99"))));
    assert!(run.checkpoints().join("step-00000002.void-0").is_dir(), "nothing is thrown away");
    let (_other, straight) = folder();
    conduct(&straight, demo_loaded(|settings| short(settings, 3)), |_, _| {});
    assert_eq!(files(&run, 3), files(&straight, 3));
}

#[test]
fn one_step_is_trained_and_a_note_is_kept() {
    let (_dir, run) = folder();
    let mut pauses = Vec::new();
    let mut step = 0;
    let (events, _) = conduct(&run, demo_loaded(|settings| short(settings, 50)), |event, remote| match event {
        Event::Run(_) => remote.send(Command::Pause),
        Event::Step(done) => step = done.step,
        Event::State(changed) if changed.state == RunState::Paused => {
            pauses.push(step);
            match pauses.len() {
                1 | 2 => remote.send(Command::StepOnce),
                _ => {
                    remote.send(Command::Checkpoint { note: Some("as it was".into()) });
                    remote.send(Command::Stop { checkpoint: true });
                }
            }
        }
        _ => {}
    });
    assert_eq!(pauses, [pauses[0], pauses[0] + 1, pauses[0] + 2]);
    let noted =
        events.iter().find_map(|event| if let Event::Checkpoint(saved) = event { saved.note.clone() } else { None });
    assert_eq!(noted.as_deref(), Some("as it was"));
    let saved = crate::run::checkpoint::newest(&run.checkpoints()).unwrap().0.unwrap();
    assert_eq!(saved.manifest.note.as_deref(), Some("as it was"), "the last checkpoint is of the same step");
}

#[test]
fn the_policy_of_a_detector_pauses_a_run() {
    let (_dir, run) = folder();
    let loaded = demo_loaded(|settings| {
        short(settings, 50);
        settings.doctor.window = 3;
        // The demonstration's model has some entropy: this floor lies above it.
        settings.doctor.entropy = Some(100.0);
        settings.doctor.policies.insert(Detector::Entropy, Policy::Pause);
    });
    let mut paused_by = None;
    let (events, ended) = conduct(&run, loaded, |event, remote| match event {
        Event::Alarm(alarm) if alarm.detector == "entropy" => paused_by = Some(alarm.step),
        Event::State(changed) if changed.state == RunState::Paused => remote.send(Command::Stop { checkpoint: false }),
        _ => {}
    });
    assert_eq!((paused_by, ended.step), (Some(5), 5), "three values, then three sick steps in a row");
    let told = events.iter().any(|event| matches!(event, Event::Alarm(alarm) if alarm.done.is_some()));
    assert!(told);
}

#[test]
fn a_change_that_cannot_be_leaves_no_trace() {
    let mut trainer = demo_loaded(|settings| short(settings, 3)).trainer;
    let before = (trainer.settings.clone(), trainer.policy.progress.clone());
    let by = crate::run::event::ChangedBy::Person;
    let change = |key: &str| SettingChanged { key: key.into(), old: json!(null), new: json!(-1), takes_effect: 1, by };
    for key in ["grpo.beta", "lora.r", "no.such"] {
        assert!(changes::note(&trainer.asked, &mut trainer.policy.progress, change(key)).is_err(), "{key}");
    }
    assert_eq!((trainer.settings, trainer.policy.progress), before);
}
