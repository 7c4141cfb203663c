//! Nothing that comes from outside reaches a terminal as a command, whichever part of the built program prints it.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use common::{demo_run, mini_data, program};
use sqlr1_tui::{
    harmless::is_obeyed,
    run::{
        event::{Event, LogLevel, LogLine},
        folder::RunFolder,
        store::RunStore,
    },
};

/// CSI, a title, the clipboard (OSC 52), a link (OSC 8), C1 controls, direction overrides, characters without width, a bell.
const NASTY: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\u{1b}]52;c;cm0=\u{7}\u{1b}]8;;http://e\u{1b}\\l\u{9b}31m\u{9d}0;t\u{9c}\u{202e}abc\u{2066}\u{200b}\u{feff}\r\u{8}";

/// Asserts that neither stream has anything that a terminal obeys; gives both.
fn harmless(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && is_obeyed(*c)).collect();
    assert!(bad.is_empty(), "{bad:?} in {text:?}");
    assert!(!text.is_empty(), "something is said");
    text
}

/// The mini data with nasty questions, and one database name that is nasty.
fn nasty_data(root: &Path) -> PathBuf {
    let data = root.join("data");
    copy(&mini_data(), &data);
    let file = fs::read_dir(&data)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.file_name().unwrap().to_string_lossy().starts_with("train"))
        .unwrap();
    let mut entries: Vec<serde_json::Value> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for entry in &mut entries {
        entry["question"] = NASTY.into();
    }
    let mut bad = entries[0].clone();
    bad["db_id"] = format!("../../{NASTY}").into();
    entries.push(bad);
    let mut broken = entries[0].clone();
    broken["query"] = format!("SELECT {NASTY}").into();
    entries.push(broken);
    fs::write(&file, serde_json::to_string(&entries).unwrap()).unwrap();
    data
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            assert!(fs::copy(entry.path(), target).is_ok());
        }
    }
}

#[test]
fn checks_of_data_and_errors_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let data = nasty_data(dir.path());
    let text = harmless(&program().args(["data", "check"]).arg(&data).output().unwrap());
    assert!(text.contains("is no plain folder name") && text.contains('␛'), "{text}");
    let json = program().args(["data", "check", "--json"]).arg(&data).output().unwrap();
    harmless(&json);
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(report.to_string().contains("\\u001b"), "JSON loses nothing");
    harmless(&program().args(["export", NASTY, "curves"]).output().unwrap());
    harmless(&program().args(["train", "--headless", "--model", NASTY, "--data"]).arg(&data).output().unwrap());
    harmless(&program().args(["doctor", "--set"]).arg(format!("model.path={NASTY}")).output().unwrap());
}

#[test]
fn headless_lines_logs_and_exports_of_a_nasty_run_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join(format!("run {NASTY}").replace('/', "_"));
    let trained = demo_run(&run, 2, &[]).output().unwrap();
    let said = harmless(&trained);
    assert!(trained.status.success(), "{said}");
    let folder = RunFolder::open(&run).unwrap();
    let mut store = RunStore::open(&folder.store()).unwrap();
    // A store from somebody else may name anything.
    let started = store.since(0, 9).unwrap().into_iter().find_map(|record| match record.event {
        Event::Run(run) => Some(run),
        _ => None,
    });
    let mut started = started.unwrap();
    (started.name, started.model.name, started.run_dir) = (NASTY.into(), NASTY.into(), NASTY.into());
    store.append(1e9, Event::Run(started)).unwrap();
    store.append(1e9, Event::Log(LogLine { level: LogLevel::Warn, message: NASTY.into() })).unwrap();
    drop(store);
    let listed = harmless(&program().arg("runs").arg(dir.path()).output().unwrap());
    assert!(listed.contains('␛'), "{listed}");
    harmless(&program().args(["runs", "--json"]).arg(dir.path()).output().unwrap());
    for what in ["samples", "metrics", "report", "curves"] {
        let output = program().arg("export").arg(&run).arg(what).output().unwrap();
        assert!(output.status.success(), "{what}");
        harmless(&output);
    }
    harmless(&Output { stdout: fs::read(run.join("exports/report.md")).unwrap(), ..trained });
}

#[test]
fn judgements_of_nasty_predictions_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let (gold, predicted) = (dir.path().join("gold.txt"), dir.path().join("pred.txt"));
    fs::write(&gold, format!("SELECT 1\t{}\n", NASTY.replace(['\r', '/'], ""))).unwrap();
    fs::write(&predicted, format!("SELECT '{}'\n", NASTY.replace('\r', ""))).unwrap();
    let mut command = program();
    command.arg("score").arg("--data").arg(mini_data()).arg("--gold").arg(&gold).arg("--pred").arg(&predicted);
    harmless(&command.output().unwrap());
}

#[test]
fn an_examination_on_nasty_questions_is_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let data = nasty_data(dir.path());
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/model.gguf");
    let mut command = program();
    command.args(["eval", "--split", "train", "--limit", "3", "--set", "data.skip_bad=true"]);
    command.args(["--set", "rollout.max_completion_length=12"]).arg("--model").arg(model).arg("--data").arg(&data);
    command.arg("--out").arg(dir.path().join(format!("out {}", NASTY.replace('/', "_"))));
    let output = command.output().unwrap();
    let said = harmless(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("../../x"), "what is left out is named: {said}");
}
