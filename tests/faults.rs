//! Faults done to the built program for real: killed at any moment, its files damaged or taken away, its folder contested, the clock set
//! back. After each, no more steps are lost than since the last checkpoint, and what was trained is what an undisturbed run trains.
//!
//! `scripts/faults` runs the kills in greater number (`SQLR1_FAULT_ROUNDS`) and prints what they cost (docs/reliability.md).

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use common::{assert_code, demo_run, events, signal, wait_for};
use sqlr1_tui::{
    remote::client,
    run::{
        checkpoint,
        event::{Event, LogLevel, LogLine, Phase, Record},
        folder::RunFolder,
        store::RunStore,
    },
};

/// Steps between two checkpoints in these runs.
const EVERY: u64 = 3;
const STEPS: u64 = 12;

fn run(dir: &Path, steps: u64) -> Command {
    demo_run(dir, steps, &[&format!("run.checkpoint_every={EVERY}")])
}

fn trained(run: &Path, step: u64) -> Vec<Vec<u8>> {
    let dir = run.join(format!("checkpoints/step-{step:08}"));
    ["adapter_model.safetensors", "optimizer.safetensors", "trainer_state.json"]
        .map(|f| fs::read(dir.join(f)).unwrap())
        .to_vec()
}

/// The steps that are not void, in order.
fn steps(records: &[Record]) -> Vec<u64> {
    let mut steps = Vec::new();
    for record in records {
        match &record.event {
            Event::Run(started) => steps.retain(|step| Some(*step) <= started.resumed_from),
            Event::Step(done) => steps.push(done.step),
            _ => {}
        }
    }
    steps
}

fn stored(run: &Path) -> Vec<Record> {
    let reading = RunStore::read_run(&run.join("run.db")).unwrap();
    assert!(reading.damage.is_none(), "{:?}", reading.damage);
    reading.records
}

fn undisturbed(dir: &Path) -> Vec<Vec<u8>> {
    let through = dir.join("through");
    assert_code(&run(&through, STEPS).output().unwrap(), 0);
    trained(&through, STEPS)
}

/// What a kill hit and what it cost.
struct Cost {
    moment: &'static str,
    told: u64,
    resumed: u64,
}

/// Starts or resumes a run, kills it at `moment` and tells the last step it had told; `None` if it was done before.
fn killed(run: &Path, moment: &'static str, delay: Duration, at: impl Fn(&Path) -> bool) -> Option<u64> {
    let mut command = self::run(run, STEPS);
    if run.join("run.db").is_file() {
        command.arg("--resume");
    }
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    let patience = Duration::from_mins(2);
    while child.try_wait().unwrap().is_none() && !(began.elapsed() >= delay && at(run)) {
        assert!(began.elapsed() < patience, "the moment ({moment}) never came");
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let told = events(&whole_lines(output)).iter().rev().find(|e| e["type"] == "step").and_then(|e| e["step"].as_u64());
    told.filter(|&step| step < STEPS)
}

/// Starts or resumes a run, attaches to it as a cockpit does, and kills it when it says that it is in `phase`; tells the last step that
/// it had stored.
fn killed_in(run: &Path, phase: Phase) -> u64 {
    // Larger steps than elsewhere, so that there is time to hear of a phase before it is over; an evaluation after each.
    let mut command = demo_run(
        run,
        STEPS,
        &[&format!("run.checkpoint_every={EVERY}"), "eval.every=1", "eval.questions=8", "rollout.prompts_per_step=4"],
    );
    if run.join("run.db").is_file() {
        command.arg("--resume");
    }
    let mut child = command.spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let patience = Instant::now() + Duration::from_mins(1);
        let mut viewer = loop {
            let folder = RunFolder::open(run);
            match folder.map(|folder| async move { client::attach(&folder, "the reaper").await }) {
                Ok(attached) => match attached.await {
                    Ok(viewer) => break viewer,
                    Err(error) => assert!(Instant::now() < patience, "{error}"),
                },
                Err(error) => assert!(Instant::now() < patience, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        while let Some(record) = viewer.records.recv().await {
            if matches!(&record.event, Event::Progress(progress) if progress.phase == phase) {
                return;
            }
        }
        panic!("the run was over before it was in {phase:?}");
    });
    child.kill().unwrap();
    child.wait().unwrap();
    steps(&stored(run)).last().copied().unwrap_or(0)
}

#[test]
fn kills_in_each_phase_cost_no_more_than_the_steps_since_the_last_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    for phase in [Phase::Loading, Phase::Rollout, Phase::Scoring, Phase::Update, Phase::Evaluation, Phase::Checkpoint] {
        let run = dir.path().join(format!("{phase:?}"));
        let told = killed_in(&run, phase);
        let (newest, damaged) = checkpoint::newest(&run.join("checkpoints")).unwrap();
        assert!(damaged.is_empty(), "{phase:?}: {damaged:?}");
        let left = newest.map_or(0, |c| c.manifest.step);
        println!("killed in {phase:?}: steps lost {} (allowed: {EVERY})", told.saturating_sub(left));
        assert!(told.saturating_sub(left) <= EVERY, "{phase:?}: step {told} was told, {left} is left");
        // It goes on: the next of the phases comes, to be killed in.
        let later = killed_in(&run, Phase::Update);
        assert!(later >= left, "{phase:?}: {later} after {left}");
    }
}

/// The output up to its last line feed: the kill may have come in the middle of a line.
fn whole_lines(mut output: Output) -> Output {
    let end = output.stdout.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    output.stdout.truncate(end);
    output
}

fn within_a_checkpoint(run: &Path) -> bool {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
}

/// Whether the store has just been written to: the moment after a change of its log.
fn within_a_write(run: &Path) -> bool {
    let stamp = || fs::metadata(run.join("run.db-wal")).and_then(|m| m.modified()).ok();
    let before = stamp();
    before.is_some() && (0..2000).any(|_| stamp() != before)
}

/// Resumes and finishes a run of the same seed; it must end as if nothing had happened.
fn assert_equals(run: &Path, undisturbed: &[Vec<u8>]) {
    let output = self::run(run, STEPS).arg("--resume").output().unwrap();
    assert_code(&output, 0);
    assert!(trained(run, STEPS) == undisturbed, "{} is not what an undisturbed run trains", run.display());
    assert_eq!(steps(&stored(run)), (1..=STEPS).collect::<Vec<_>>());
    let (newest, damaged) = checkpoint::newest(&run.join("checkpoints")).unwrap();
    assert!(damaged.is_empty() && newest.unwrap().manifest.step == STEPS);
    assert!(!within_a_checkpoint(run), "leftovers of killed writers are removed");
}

#[test]
fn kills_at_any_moment_cost_no_more_than_the_steps_since_the_last_checkpoint() {
    let rounds: u32 = std::env::var("SQLR1_FAULT_ROUNDS").map_or(2, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = undisturbed(dir.path());
    let mut costs: Vec<Cost> = Vec::new();
    for round in 0..rounds {
        let run = dir.path().join(format!("killed-{round}"));
        // From loading on, so that every phase has its turn; the same moments in every run of this test.
        let random = Duration::from_millis(100 + u64::from(round * 7919) % 1500);
        let any = |_: &Path| true;
        for (moment, delay, at) in [
            ("at random", random, &any as &dyn Fn(&Path) -> bool),
            ("while a checkpoint is written", Duration::ZERO, &within_a_checkpoint),
            ("while the store is written", Duration::from_millis(300), &within_a_write),
        ] {
            let Some(told) = killed(&run, moment, delay, at) else { continue };
            let (newest, damaged) = checkpoint::newest(&run.join("checkpoints")).unwrap();
            assert!(damaged.is_empty(), "{damaged:?}");
            let resumed = newest.map_or(0, |c| c.manifest.step);
            assert!(told - resumed.min(told) <= EVERY, "killed {moment}: step {told} was told, {resumed} is left");
            assert!(steps(&stored(&run)).last() >= Some(&told), "what was told is stored");
            costs.push(Cost { moment, told, resumed });
        }
        assert_equals(&run, &undisturbed);
    }
    for moment in ["at random", "while a checkpoint is written", "while the store is written"] {
        let lost: Vec<_> =
            costs.iter().filter(|c| c.moment == moment).map(|c| c.told.saturating_sub(c.resumed)).collect();
        let (most, all) = (lost.iter().max().copied().unwrap_or(0), lost.iter().sum::<u64>());
        println!(
            "killed {moment}: {} times, steps lost {all}, at most {most} at a time (allowed: {EVERY})",
            lost.len()
        );
    }
}

#[test]
fn a_checkpoint_with_any_file_damaged_is_passed_over_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = undisturbed(dir.path());
    let whole = dir.path().join("through/checkpoints").join(format!("step-{STEPS:08}"));
    let files: Vec<_> = fs::read_dir(&whole).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for (name, cut) in files.iter().flat_map(|name| [(name, false), (name, true)]) {
        let run = dir.path().join("damaged");
        copy(&dir.path().join("through"), &run);
        damage(&run.join("checkpoints").join(format!("step-{STEPS:08}")).join(name), cut);
        let output = self::run(&run, STEPS).arg("--resume").output().unwrap();
        assert_code(&output, 0);
        assert_eq!(events(&output)[0]["resumed_from"], STEPS - EVERY, "{name:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("step-{STEPS:08}")) && said.contains("damaged"), "{name:?}: {said}");
        assert!(trained(&run, STEPS) == undisturbed, "{name:?}");
        fs::remove_dir_all(&run).unwrap();
    }
}

#[test]
fn a_damaged_store_keeps_no_run_from_going_on() {
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = undisturbed(dir.path());
    for cut in [false, true] {
        let run = dir.path().join("damaged");
        let mut child = self::run(&run, STEPS).spawn().unwrap();
        wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 7);
        child.kill().unwrap();
        child.wait().unwrap();
        // The log goes into the file itself, so that the damage is where the events are.
        drop(RunStore::open(&run.join("run.db")).unwrap());
        damage(&run.join("run.db"), cut);
        let output = self::run(&run, STEPS).arg("--resume").output().unwrap();
        assert_code(&output, 0);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("run.db") && said.contains("damaged"), "cut {cut}: {said}");
        assert!(trained(&run, STEPS) == undisturbed);
        assert_eq!(steps(&stored(&run)).last(), Some(&STEPS));
        let kept = fs::read_dir(&run).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        assert!(kept.into_iter().any(|name| name.starts_with("run.db.damaged")), "nothing is thrown away");
        fs::remove_dir_all(&run).unwrap();
    }
}

#[test]
fn a_database_that_disappears_costs_its_questions_and_not_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo"), &data);
    let run = dir.path().join("run");
    let mut command = self::run(&run, STEPS);
    let mut child = command.arg("--data").arg(&data).spawn().unwrap();
    wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 2);
    // The first question that a step asked; evaluations come after.
    let asked_in = |step: u64| {
        stored(&run).into_iter().find_map(|record| match record.event {
            Event::Group(group) if group.step == step => Some(group.db_id),
            _ => None,
        })
    };
    let kept = asked_in(1).unwrap();
    for folder in fs::read_dir(data.join("database")).unwrap().map(|e| e.unwrap().path()) {
        if !folder.ends_with(&kept) {
            fs::remove_dir_all(folder).unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    assert_code(&output, 0);
    assert_eq!(steps(&stored(&run)), (1..=STEPS).collect::<Vec<_>>());
    assert_eq!(asked_in(STEPS), Some(kept));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("WARN") && said.contains("are passed over"), "it says so: {said}");
}

#[test]
fn a_folder_has_one_trainer() {
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = undisturbed(dir.path());
    let run = dir.path().join("run");
    let mut first = self::run(&run, STEPS).spawn().unwrap();
    wait_for(&mut first, |e| e["type"] == "step" && e["step"] == 1);
    for resume in [false, true] {
        let mut second = self::run(&run, STEPS);
        let output = if resume { second.arg("--resume") } else { &mut second }.output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&*run.display().to_string()), "{said}");
        assert!(output.stdout.is_empty());
    }
    assert_code(&first.wait_with_output().unwrap(), 0);
    assert!(trained(&run, STEPS) == undisturbed, "the first is not disturbed");
}

#[test]
fn a_clock_that_was_set_back_changes_nothing_but_times() {
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = undisturbed(dir.path());
    let run = dir.path().join("run");
    let mut child = self::run(&run, STEPS).spawn().unwrap();
    wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 4);
    child.kill().unwrap();
    child.wait().unwrap();
    // Seen from the program, a clock that goes a day back between two of its events.
    let tomorrow = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() + 86_400.0;
    let line = LogLine { level: LogLevel::Info, message: "written before the clock was set back".into() };
    RunStore::open(&run.join("run.db")).unwrap().append(tomorrow, Event::Log(line)).unwrap();
    assert_equals(&run, &undisturbed);
    let curves = run.join("again.png");
    let exported = common::program().arg("export").arg(&run).arg("curves").arg("--out").arg(&curves).output().unwrap();
    assert_code(&exported, 0);
    assert!(fs::metadata(&curves).unwrap().len() > 1000);
}

#[test]
fn signals_and_lost_readers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let undisturbed = undisturbed(dir.path());
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let run = dir.path().join(name);
        let mut child = self::run(&run, STEPS).spawn().unwrap();
        wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 4);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_code(&output, code);
        let told = events(&output);
        let last_step = told.iter().rev().find(|e| e["type"] == "step").map_or(4, |e| e["step"].as_u64().unwrap());
        let newest = checkpoint::newest(&run.join("checkpoints")).unwrap().0.unwrap();
        assert_eq!(newest.manifest.step, last_step, "{name}: no step is lost");
        assert_equals(&run, &undisturbed);
    }
    // The reader of its output goes away (SIGPIPE), and that of its messages too.
    let run = dir.path().join("PIPE");
    let mut child = self::run(&run, STEPS).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_code(&child.wait_with_output().unwrap(), 0);
    assert!(trained(&run, STEPS) == undisturbed);
}

/// Flips a byte in the middle of a file, or cuts off its second half.
fn damage(file: &Path, cut: bool) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    if cut {
        bytes.truncate(middle);
    } else {
        bytes[middle] ^= 0x55;
    }
    fs::write(file, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
}
