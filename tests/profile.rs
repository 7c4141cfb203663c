//! `train --profile`: a trace of the phases that agrees with what the run reports of them.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{fs, path::Path};

use common::{assert_code, demo_run, events, program, signal, wait_for};
use serde_json::Value;

/// A piece of work: name, step, depth, seconds, and the sum of its parts' seconds.
#[derive(Debug)]
struct Span {
    name: String,
    step: u64,
    depth: usize,
    seconds: f64,
    parts: f64,
}

/// The spans of a trace in the order in which they end. Whatever is open at the end of a killed run's is left out.
fn spans(trace: &[Value]) -> Vec<Span> {
    let (mut open, mut done) = (Vec::<(String, u64, f64, f64)>::new(), Vec::new());
    let mut last = 0.0;
    for event in trace.iter().filter(|event| event["ph"] != "M") {
        let time = event["ts"].as_f64().unwrap();
        assert!(time >= last, "times rise");
        last = time;
        let name = event["name"].as_str().unwrap();
        match event["ph"].as_str().unwrap() {
            "B" => open.push((name.to_owned(), event["args"]["step"].as_u64().unwrap(), time, 0.0)),
            "E" => {
                let (begun, step, start, parts) = open.pop().unwrap();
                assert_eq!(begun, name, "what ends is what began last");
                let seconds = (time - start) / 1e6;
                if let Some(whole) = open.last_mut() {
                    whole.3 += seconds;
                }
                done.push(Span { name: begun, step, depth: open.len(), seconds, parts });
            }
            _ => {}
        }
    }
    done
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_trace_nests_and_agrees_with_the_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace.json");
    let output = demo_run(&dir.path().join("run"), 4, &["eval.every=3"]).arg("--profile").arg(&file).output().unwrap();
    assert_code(&output, 0);
    let trace: Vec<Value> = serde_json::from_str(&read(&file)).unwrap();
    let spans = spans(&trace);
    let names = |depth: usize| {
        let mut names: Vec<&str> = spans.iter().filter(|s| s.depth == depth).map(|s| s.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    assert_eq!(names(0), ["checkpoint", "evaluation", "loading", "step"]);
    assert_eq!(names(1), ["reward", "rollout", "update"]);
    assert_eq!(names(2), ["gradient", "optimizer", "reference"]);
    for span in &spans {
        assert!(span.parts <= span.seconds + 1e-6, "the parts of {span:?} are longer than it");
    }
    let of = |name: &str, step: u64| {
        spans.iter().filter(|s| s.name == name && s.step == step).map(|s| s.seconds).sum::<f64>()
    };
    let steps: Vec<Value> = events(&output).into_iter().filter(|event| event["type"] == "step").collect();
    assert_eq!(steps.len(), 4);
    for done in &steps {
        let step = done["step"].as_u64().unwrap();
        for (name, metric) in
            [("rollout", "time/rollout"), ("reward", "time/scoring"), ("update", "time/update"), ("step", "step_time")]
        {
            let (traced, told) = (of(name, step), done[metric].as_f64().unwrap());
            // Both clocks are read one after the other; a machine under load may come in between.
            assert!((traced - told).abs() < 0.05 + 0.1 * told, "{name} of step {step}: {traced} traced, {told} told");
        }
    }
    assert!(of("evaluation", 3) > 0.0 && of("checkpoint", 2) > 0.0 && of("checkpoint", 4) > 0.0);
}

#[test]
fn a_killed_run_leaves_a_trace_that_loads() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace.json");
    let mut child = demo_run(&dir.path().join("run"), 500, &[]).arg("--profile").arg(&file).spawn().unwrap();
    wait_for(&mut child, |event| event["type"] == "step" && event["step"] == 3);
    signal(&child, "KILL");
    child.wait().unwrap();
    let text = read(&file);
    // What viewers do with an array that has no end.
    let mended = format!("{}]", text.trim_end().trim_end_matches(','));
    let trace: Vec<Value> = serde_json::from_str(&mended).unwrap();
    assert!(spans(&trace).iter().filter(|span| span.name == "step").count() >= 3);
}

#[test]
fn a_trace_that_cannot_be_written_is_told_before_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo_run(&dir.path().join("run"), 1, &[]).args(["--profile", "/nowhere/trace.json"]).output().unwrap();
    assert_code(&output, 3);
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/trace.json"));
    let help = program().args(["sft", "--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("--profile"), "sft has it too");
}
