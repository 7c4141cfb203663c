//! Self-correction as a user meets it: a run that is killed in it, and what an evaluation tells of it.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::fs;

use common::{assert_code, checkpoint_files, demo_run, events, program, wait_for};
use serde_json::Value;

const SETS: [&str; 3] = ["rollout.correction_turns=2", "rollout.max_completion_length=64", "rollout.temperature=1.4"];

#[test]
fn a_run_killed_among_corrections_equals_one_that_ran_through() {
    let dir = tempfile::tempdir().unwrap();
    let (through, killed) = (dir.path().join("through"), dir.path().join("killed"));
    let output = demo_run(&through, 6, &SETS).output().unwrap();
    assert_code(&output, 0);
    let turns: Vec<f64> = events(&output).iter().filter_map(|event| event["turns/mean"].as_f64()).collect();
    assert_eq!(turns.len(), 6);
    assert!(turns[4..].iter().any(|mean| *mean > 1.0), "nothing was corrected after the kill: {turns:?}");

    let mut child = demo_run(&killed, 6, &SETS).spawn().unwrap();
    wait_for(&mut child, |event| event["type"] == "step" && event["step"] == 5);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_code(&demo_run(&killed, 6, &SETS).arg("--resume").output().unwrap(), 0);
    assert_eq!(checkpoint_files(&killed, 6), checkpoint_files(&through, 6));
}

#[test]
fn an_evaluation_tells_what_feedback_brought() {
    let dir = tempfile::tempdir().unwrap();
    let eval = |turns: &str, name: &str| {
        let mut command = program();
        command.current_dir(dir.path()).args(["eval", "--model", "builtin:demo", "--data", "builtin:demo", "--limit"]);
        command.args(["60", "--decode", "sample", "--set", "rollout.temperature=1.3", "--json", "--out", name]);
        let output = command.args(["--correction-turns", turns]).output().unwrap();
        assert_code(&output, 0);
        let lines = fs::read_to_string(dir.path().join(name)).unwrap();
        let answers: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (serde_json::from_slice::<Value>(&output.stdout).unwrap(), answers)
    };
    let ((once, first), (again, last)) = (eval("0", "once.jsonl"), eval("1", "again.jsonl"));
    assert!(once["corrections"].is_null() && !once["decode"].as_str().unwrap().contains("corrected"));
    assert!(again["decode"].as_str().unwrap().contains("corrected up to 1 times"), "{again}");
    let mut fed = 0;
    for (first, last) in first.iter().zip(&last) {
        if last["turns"].is_null() {
            assert_eq!(first, last, "what needs no feedback stays as it is");
            continue;
        }
        fed += 1;
        let turn = &last["turns"][0];
        assert_eq!((&turn["sql"], &turn["reply"], &turn["exec"]), (&first["sql"], &first["reply"], &first["exec"]));
        assert!(turn["feedback"].as_str().unwrap().starts_with("That "), "{turn}");
    }
    assert!(fed > 5, "{fed} of 60 questions got feedback");
    assert_eq!(again["corrections"]["questions"], fed);
    let failed = |answers: &[Value]| answers.iter().filter(|answer| answer["outcome"] != "rows").count();
    assert_eq!(again["corrections"]["failed_first"], failed(&first));
    assert_eq!(again["corrections"]["failed_last"], failed(&last));
    let repeated = eval("1", "repeated.jsonl");
    assert_eq!(repeated.1, last, "the same seed gives the same replies to feedback");
}
