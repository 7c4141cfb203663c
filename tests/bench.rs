//! `sqlr1-tui bench` on the built-in model: what it reports, and what it says of mistakes.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::process::Output;

use common::{assert_code, program};
use serde_json::Value;

fn bench(args: &[&str]) -> Output {
    program().arg("bench").args(args).output().unwrap()
}

fn report(args: &[&str]) -> Value {
    let output = bench(args);
    assert_code(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(report: &Value, name: &str) -> f64 {
    report[name].as_f64().unwrap_or_else(|| panic!("{name} is no number in {report}"))
}

#[test]
fn steps_are_timed_part_by_part() {
    let dir = tempfile::tempdir().unwrap();
    let prompts = dir.path().join("prompts.json");
    std::fs::write(&prompts, r#"["SELECT a few words", "another prompt with more words in it"]"#).unwrap();
    let prompts = prompts.to_str().unwrap();
    let args = ["grpo", "--model", "builtin:demo", "--prompts", prompts, "--k", "3", "--new-tokens", "5"];
    let report = report(&[&args[..], &["--steps", "3", "--json"]].concat());
    let steps: Vec<f64> = report["step_s"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
    assert_eq!((steps.len(), report["k"].as_u64(), report["new_tokens"].as_u64()), (3, Some(3), Some(5)));
    let parts = ["rollout_s", "reward_s", "reference_s", "update_s"].map(|name| number(&report, name));
    let mean = steps.iter().sum::<f64>() / 3.0;
    assert!(parts.iter().all(|&part| part >= 0.0) && parts.iter().sum::<f64>() <= mean, "{report}");
    // Three steps of 3 completions of 5 tokens, none shorter.
    assert!((number(&report, "tok_s") * mean * 3.0 - 45.0).abs() < 0.1, "{report}");
    assert!(number(&report, "peak_mb") > 10.0 && number(&report, "peak_fraction") > 0.0);
    let lengths = report["prompt_tokens"].as_array().unwrap();
    assert!(lengths[0] == lengths[2] && lengths[0] != lengths[1], "the third step takes the first prompt again");
    let text = bench(&[&args[..], &["--steps", "1"]].concat());
    assert!(String::from_utf8_lossy(&text.stdout).contains("peak memory"));
}

#[test]
fn generation_is_timed() {
    let args = ["decode", "--model", "builtin:demo", "--batch", "4", "--prompt-tokens", "20", "--new-tokens", "8"];
    let report = report(&[&args[..], &["--json"]].concat());
    for name in ["prefill_tok_s", "decode_tok_s", "tok_s", "matmul_gflops", "decode_peak_fraction"] {
        assert!(number(&report, name) > 0.0, "{name}");
    }
    assert!(String::from_utf8_lossy(&bench(&args).stdout).contains("at batch 4"));
}

#[test]
fn a_model_of_random_weights_needs_no_file() {
    for format in ["nf4", "q4"] {
        let args = ["grpo", "--synthetic", "tiny", "--format", format, "--device", "cpu", "--json"];
        let sizes = ["--k", "3", "--prompt-tokens", "20", "--new-tokens", "6", "--steps", "2"];
        let report = report(&[&args[..], &sizes].concat());
        assert_eq!((report["model"].as_str(), report["prompt_tokens"].to_string().as_str()), (Some("tiny"), "[20,20]"));
        assert!(
            report["device"].as_str().unwrap().starts_with("cpu") && report["build"].as_str().unwrap().contains('(')
        );
        assert!(number(&report, "memory_bytes") > 1e8 && report["gpu"].is_null() && report["driver"].is_null());
        // 20 tokens of the prompt and 3 times 6 of completions went through each update.
        assert!((number(&report, "update_tok_s") * number(&report, "update_s") - 38.0).abs() < 0.1, "{report}");
        let memory = &report["memory"];
        assert!(number(memory, "weights") > 1e4 && number(memory, "rest") > 0.0, "{report}");
        assert_eq!(memory["forecast"]["weights"], memory["weights"]);
        assert_eq!(memory["forecast"]["optimizer"], memory["optimizer"]);
    }
    assert_code(&bench(&["grpo", "--synthetic", "gpt-5"]), 2);
    assert_code(&bench(&["grpo", "--synthetic", "tiny", "--model", "builtin:demo"]), 2);
    assert_code(&bench(&["decode"]), 2);
    let decode = report(&["decode", "--synthetic", "tiny", "--prompt-tokens", "8", "--new-tokens", "4", "--json"]);
    assert!(number(&decode, "decode_tok_s") > 0.0);
}

#[test]
fn whether_a_run_fits_is_counted_without_computing() {
    let estimate = |args: &[&str]| program().arg("estimate").args(args).output().unwrap();
    let tight = estimate(&["--synthetic", "codellama-7b", "--memory", "6GiB", "--prompt-tokens", "512"]);
    assert_code(&tight, 0);
    let text = String::from_utf8_lossy(&tight.stdout).into_owned();
    for words in ["weights", "KV cache", "it does not fit", "memory.recompute", "logits", "a GPU"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let roomy = estimate(&["--synthetic", "codellama-7b", "--memory", "80GiB", "--json"]);
    let roomy: Value = serde_json::from_slice(&roomy.stdout).unwrap();
    assert!(roomy["fits"] == true && roomy["remedies"].as_array().unwrap().is_empty(), "{roomy}");
    let model = estimate(&["--fit", "--model", "builtin:demo", "--device", "cpu", "--json"]);
    let model: Value = serde_json::from_slice(&model.stdout).unwrap();
    assert!(model["gpu"] == false && number(&model["forecast"], "weights") > 1e5, "{model}");
    assert_code(&estimate(&["--fit"]), 2);
    assert_code(&estimate(&["--memory", "plenty", "--synthetic", "tiny"]), 2);
}

#[test]
fn mistakes_are_told() {
    let prompts = bench(&["grpo", "--model", "builtin:demo", "--prompts", "/nowhere.json"]);
    assert_code(&prompts, 3);
    assert!(String::from_utf8_lossy(&prompts.stderr).contains("/nowhere.json"));
    assert_code(&bench(&["decode", "--model", "builtin:demo", "--new-tokens", "1"]), 2);
    assert_code(&bench(&["decode", "--model", "/nowhere.gguf"]), 3);
    let setting = ["grpo", "--model", "builtin:demo", "--prompts", "x", "--set", "grpo.beta=-1"];
    assert_code(&bench(&setting), 2);
}

#[test]
fn the_cockpit_is_measured_on_a_stored_run() {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/screenshots/demo.jsonl.gz");
    let report = report(&["cockpit", run, "--size", "80x24", "--json"]);
    assert!(report["start"].is_null(), "a file of records is no store to start from: {report}");
    for cost in ["training", "worst"] {
        for name in ["frames_per_second", "bytes_per_second", "share"] {
            assert!(number(&report[cost], name) > 0.0, "{cost} {name}");
        }
    }
    let text = bench(&["cockpit", run, "--size", "80x24"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("of the run's time"));
}
