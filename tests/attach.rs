//! Runs that outlive the screen: detached, attached to again, looked at by several, with the built program in real terminals.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::Command,
};

use common::{
    assert_code,
    pty::{Pty, wait_until},
    runs::Place,
};

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Whether a process is at work; one that nobody has waited for yet is not.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

/// Says hello over a socket as a viewer of some version does.
fn hello(socket: &Path, version: u32) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let text = format!(r#"{{"hello":{{"protocol":{version},"program_version":"9.9.9","name":"raw"}}}}"#);
    stream.write_all(&(text.len() as u32).to_be_bytes()).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

#[test]
fn a_run_is_left_training_and_attached_to_again() {
    let place = Place::new();
    let Some(mut cockpit) = Pty::start(&place.train("run", 1_000_000)) else { return };
    cockpit.wait_for("● running");
    let trainer = place.trainer("run");
    let stat = fs::read_to_string(format!("/proc/{trainer}/stat")).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(session, trainer.to_string(), "the trainer has a session of its own");
    assert_eq!(fs::metadata(place.socket("run")).unwrap().mode() & 0o777, 0o600);
    cockpit.press("q").wait_for("detach").press("d");
    let (code, said) = cockpit.ends();
    assert_eq!(code, 0);
    assert!(said.contains("training goes on in") && said.contains("sqlr1-tui attach /"), "{said}");
    place.goes_on("run");
    assert_eq!(place.state("run"), "running");

    let Some(mut again) = place.attach(&["run"]) else { return };
    again.wait_for("● running").press("c").wait_for("is saved");
    again.press("q").wait_for("detach").press("c");
    let (code, said) = again.ends();
    assert_eq!(code, 0);
    assert!(said.contains("stopped after step") && said.contains("train --resume --run-dir /"), "{said}");
    wait_until("the trainer is gone", || !lives(trainer));
    assert!(place.note("run").is_none(), "nothing points to a trainer that has ended");
    assert_eq!(place.state("run"), "stopped");
    let log = fs::read_to_string(place.path("run").join("trainer.log")).unwrap();
    assert!(log.contains("is attached, in control"), "{log}");
}

#[test]
fn a_killed_cockpit_and_a_closed_terminal_leave_the_trainer_training() {
    let place = Place::new();
    let Some(mut cockpit) = Pty::start(&place.train("run", 1_000_000)) else { return };
    cockpit.wait_for("● running");
    let pid = cockpit.pid();
    kill("-9", pid);
    wait_until("the cockpit is gone", || !lives(pid));
    place.goes_on("run");
    let Some(mut second) = place.attach(&["run"]) else { return };
    second.wait_for("● running");
    let pid = second.pid();
    second.close();
    wait_until("the terminal's cockpit is gone", || !lives(pid));
    place.goes_on("run");
    let Some(mut third) = place.attach(&["run"]) else { return };
    third.wait_for("● running");
    kill("-HUP", third.pid());
    let (code, said) = third.ends();
    assert_eq!(code, 129);
    assert!(said.contains("training goes on in"), "{said}");
    place.goes_on("run");
    let trainer = place.trainer("run");
    kill("-TERM", trainer);
    wait_until("the trainer has saved and ended", || !lives(trainer));
    assert_eq!(place.state("run"), "stopped");
}

#[test]
fn of_two_viewers_one_steers_and_the_other_takes_over() {
    let place = Place::new();
    let mut train = place.train("run", 1_000_000);
    // Each checkpoint is told in the row in which the viewers are.
    train.args(["--set", "run.checkpoint_every=100000"]);
    let Some(mut first) = Pty::start(&train) else { return };
    first.wait_for("● running");
    let Some(mut second) = place.attach(&["run"]) else { return };
    second.wait_for("you look on").press("c").wait_for("in control; press o to take control");
    first.wait_for("2 viewers, you steer");
    second.press("o").wait_for("you are in control");
    first.wait_for("in control; press o to take control");
    second.press("qc");
    assert_eq!(second.ends().0, 0);
    first.wait_for("stopped on request").press("q");
    let (code, said) = first.ends();
    assert_eq!(code, 0);
    assert!(said.contains("stopped after step"), "{said}");
    let log = fs::read_to_string(place.path("run").join("trainer.log")).unwrap();
    assert!(log.contains("takes control"), "{log}");
}

#[test]
fn a_trainer_that_dies_is_told_with_what_is_safe_and_resumed() {
    let place = Place::new();
    let Some(mut cockpit) = Pty::start(&place.train("run", 1_000_000)) else { return };
    wait_until("there is a checkpoint", || place.path("run").join("checkpoints/step-00000005").is_dir());
    let socket = place.socket("run");
    kill("-9", place.trainer("run"));
    cockpit.wait_for("trainer gone").wait_for("is safe").press("q");
    let (code, said) = cockpit.ends();
    assert_eq!(code, 1);
    assert!(said.contains("the trainer is gone since step") && said.contains("step-00000"), "{said}");
    assert!(said.contains("train --resume --run-dir /"), "{said}");
    assert_eq!(place.state("run"), "killed");
    assert!(socket.exists() && place.note("run").is_some(), "a killed trainer tidies nothing up");
    let Some(mut stored) = place.attach(&["run"]) else { return };
    stored.wait_for("not running").wait_for("no trainer is at work").press("q");
    let (code, said) = stored.ends();
    assert_eq!(code, 0);
    assert!(said.contains("to go on with this run: sqlr1-tui train --resume"), "{said}");
    // The stale socket is in nobody's way.
    let resume = place.program(&["train", "--resume", "--run-dir", "run"]);
    let Some(mut resumed) = Pty::start(&resume) else { return };
    resumed.wait_for("● running").press("qs");
    assert_eq!(resumed.ends().0, 0);
}

#[test]
fn what_hinders_the_start_is_said_with_its_exit_code() {
    let place = Place::new();
    let bad = ["train", "--config", "demo", "--model", "gone.gguf"];
    let Some(mut cockpit) = Pty::start(&place.program(&bad)) else { return };
    cockpit.wait_for("DONE");
    let (code, said) = cockpit.ends();
    assert!(code == 3 && said.contains("error: ") && said.contains("gone.gguf"), "{code} {said}");
    assert_eq!(said.matches("error: ").count(), 1, "it is said once");

    let mut trainer = place.headless("run", 1_000_000);
    place.socket("run");
    let Some(cockpit) = Pty::start(&place.program(&["train", "--resume", "--run-dir", "run"])) else {
        trainer.kill().unwrap();
        trainer.wait().unwrap();
        return;
    };
    let (code, said) = cockpit.ends();
    assert!(code == 2 && said.contains("another trainer is using"), "{code} {said}");
    trainer.kill().unwrap();
    trainer.wait().unwrap();

    let sockets = place.path("runtime/sqlr1-tui");
    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o777)).unwrap();
    let Some(cockpit) = Pty::start(&place.train("other", 3)) else { return };
    let (code, said) = cockpit.ends();
    assert!(code == 3 && said.contains("is not safe") && said.contains("mode 777"), "{code} {said}");
    let headless = place.headless("alone", 1).wait_with_output().unwrap();
    assert_code(&headless, 0);
    assert!(String::from_utf8_lossy(&headless.stderr).contains("nobody can attach"), "it trains all the same");
}

#[test]
fn a_model_that_cannot_be_loaded_is_shown_and_keeps_its_exit_code() {
    let place = Place::new();
    fs::write(place.path("bad.gguf"), b"GGUF\x03\0\0\0 cut short").unwrap();
    let bad = ["train", "--config", "demo", "--model", "bad.gguf", "--run-dir", "run"];
    let Some(mut cockpit) = Pty::start(&place.program(&bad)) else { return };
    cockpit.wait_for("the run failed").press("q");
    let (code, said) = cockpit.ends();
    assert!(code == 3 && said.contains("error: ") && said.contains("bad.gguf"), "{code} {said}");
    assert_eq!(place.state("run"), "failed");
}

#[test]
fn a_run_that_completes_under_the_cockpit_ends_as_ever() {
    let place = Place::new();
    let words = ["sft", "--model", "builtin:demo", "--data", "builtin:demo", "--out", "adapter", "--run-dir", "run"];
    let mut command = place.program(&words);
    command.args(["--max-steps", "1", "--set", "eval.questions=0", "--set", "data.limit=40"]);
    let Some(mut cockpit) = Pty::start(&command) else { return };
    cockpit.wait_for("the run is complete").press("q").press("q");
    let (code, said) = cockpit.ends();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("finished after step 1") && said.contains("sft --resume --run-dir"), "{said}");
    assert!(
        place.path("adapter/adapter_model.safetensors").is_file(),
        "the trainer does what it was told to, detached or not"
    );
    assert!(place.path("run/exports/curves.png").is_file());
    assert_eq!(place.state("run"), "finished");
}

#[test]
fn a_viewer_that_never_reads_stops_nothing() {
    let place = Place::new();
    let trainer = place.headless("run", 60);
    let socket = place.socket("run");
    let silent: Vec<_> = (0..3).map(|_| hello(&socket, 1)).collect();
    let output = trainer.wait_with_output().unwrap();
    assert_code(&output, 0);
    assert_eq!(place.steps("run"), (1..=60).collect::<Vec<_>>(), "the store has every step");
    drop(silent);
    assert!(!socket.exists());
}

#[test]
fn a_viewer_of_another_version_is_refused_in_words() {
    let place = Place::new();
    let mut trainer = place.headless("run", 1_000_000);
    let mut stream = hello(&place.socket("run"), 77);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("refused") && answer.contains("version 77") && answer.contains("9.9.9"), "{answer}");
    // And rubbish does the trainer no harm.
    let mut stream = UnixStream::connect(place.socket("run")).unwrap();
    stream.write_all(&[0xff; 4096]).unwrap();
    place.goes_on("run");
    trainer.kill().unwrap();
    trainer.wait().unwrap();
}

#[test]
fn runs_are_listed_and_the_one_that_is_meant_is_asked_for() {
    let place = Place::new();
    let none = place.output(&["attach"]);
    assert_code(&none, 2);
    assert!(String::from_utf8_lossy(&none.stderr).contains("there are no runs"));
    fs::create_dir(place.path("runs")).unwrap();
    let mut trainers = [place.headless("runs/one", 1_000_000), place.headless("runs/two", 1_000_000)];
    for run in ["runs/one", "runs/two"] {
        place.socket(run);
        wait_until("a step is done", || !place.steps(run).is_empty());
    }
    let several = place.output(&["attach"]);
    assert_code(&several, 2);
    let said = String::from_utf8_lossy(&several.stderr).into_owned();
    assert!(said.contains("sqlr1-tui attach one") && said.contains("sqlr1-tui attach two"), "{said}");
    let listed = String::from_utf8(place.output(&["runs"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.lines().skip(1).all(|line| line.contains("running") && line.contains("grpo")), "{listed}");
    trainers[0].kill().unwrap();
    trainers[0].wait().unwrap();
    let listed = String::from_utf8(place.output(&["runs"]).stdout).unwrap();
    assert!(listed.contains("killed") && listed.contains("running"), "{listed}");
    let no_terminal = place.output(&["attach"]);
    assert_code(&no_terminal, 3);
    assert!(String::from_utf8_lossy(&no_terminal.stderr).contains("needs a terminal"));
    let Some(mut cockpit) = place.attach(&[]) else { return };
    cockpit.wait_for("● running").press("qs");
    assert_eq!(cockpit.ends().0, 0);
    trainers[1].wait().unwrap();
    let unknown = place.output(&["attach", "three"]);
    assert_code(&unknown, 2);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("sqlr1-tui runs"));
}

/// Every file in a folder with its size and the time of its last change.
fn files(dir: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::metadata(&path).unwrap();
        found.insert(path.clone(), (data.len() * u64::from(data.is_file()), data.mtime(), data.mtime_nsec()));
        if data.is_dir() {
            found.append(&mut files(&path));
        }
    }
    found
}

#[test]
fn somebody_elses_run_is_looked_at_and_left_as_it_is() {
    let place = Place::new();
    assert_code(&place.headless("run", 3).wait_with_output().unwrap(), 0);
    let given_away = Command::new("chown").args(["-R", "65534"]).arg(place.path("run")).output().unwrap();
    if !given_away.status.success() {
        println!("skipped: only root can give a folder away");
        return;
    }
    let before = files(&place.path("run"));
    let Some(mut cockpit) = place.attach(&["run"]) else { return };
    cockpit.wait_for("belongs to another user").wait_for("completed").wait_for("all steps are done");
    cockpit.press("x").wait_for("another user").press("q");
    assert_eq!(cockpit.ends().0, 0);
    assert_eq!(files(&place.path("run")), before);
    let resumed = place.output(&["train", "--headless", "--resume", "--run-dir", "run"]);
    assert_code(&resumed, 2);
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("belongs to another user"));
    assert_eq!(files(&place.path("run")), before);
}
