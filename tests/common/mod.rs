//! What the tests of the built program share.
// Each test binary uses its part, and helpers fail as tests do.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

pub mod bird;
pub mod place;
pub mod pty;
pub mod runs;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// The built program.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqlr1-tui"));
    command.stdin(Stdio::null()).env_remove("SQLR1_LOG");
    command
}

/// The small data set in Spider's layout that the tests bring along.
pub fn mini_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mini")
}

/// SmolLM2's GGUF file; `None`, with a message, where it is absent.
pub fn smollm2() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let default = cache.map(|dir| dir.join("sqlr1-tui/models/SmolLM2-135M-Instruct.Q4_1.gguf"));
    let path = std::env::var_os("SQLR1_SMOLLM2").map(PathBuf::from).or(default)?;
    if !path.is_file() {
        println!("skipped: {} is not there; scripts/get-smollm2 fetches it", path.display());
        return None;
    }
    Some(path)
}

/// A short, cheap run on the mini data.
pub fn short_run(model: &Path, run_dir: &Path, steps: u64) -> Command {
    short_run_on(&mini_data(), model, run_dir, steps)
}

/// A short, cheap run on other data.
pub fn short_run_on(data: &Path, model: &Path, run_dir: &Path, steps: u64) -> Command {
    let mut command = program();
    command.args(["train", "--headless", "--seed", "7", "--max-steps"]).arg(steps.to_string());
    command.arg("--model").arg(model).arg("--data").arg(data).arg("--run-dir").arg(run_dir);
    for set in [
        "rollout.num_generations=3",
        "rollout.max_completion_length=10",
        "rollout.temperature=1.0",
        "eval.questions=2",
        "eval.at_start=false",
        "run.checkpoint_every=2",
        "optim.learning_rate=0.001",
        "optim.warmup_steps=1",
        "lora.r=4",
    ] {
        command.args(["--set", set]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A short, cheap run of the built-in model on the built-in data: steps of a tenth of a second.
pub fn demo_run(run_dir: &Path, steps: u64, sets: &[&str]) -> Command {
    let mut command = program();
    command.args(["train", "--config", "demo", "--headless", "--seed", "7", "--max-steps"]).arg(steps.to_string());
    command.arg("--run-dir").arg(run_dir);
    let small = [
        "rollout.num_generations=4",
        "rollout.prompts_per_step=2",
        "rollout.max_completion_length=24",
        "eval.questions=2",
        "eval.at_start=false",
        "eval.every=0",
        "run.checkpoint_every=2",
        "lora.r=4",
    ];
    for set in small.iter().chain(sets) {
        command.args(["--set", set]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The JSON lines of a finished program.
pub fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Asserts an exit code, showing what the program said.
pub fn assert_code(output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "stderr: {said}");
}

/// Reads a child's JSON lines until one satisfies `wanted`.
pub fn wait_for(child: &mut Child, mut wanted: impl FnMut(&Value) -> bool) -> Value {
    // The pipe stays open beyond this reader: what it has buffered is not needed again.
    let out = BufReader::new(child.stdout.as_mut().unwrap());
    for line in out.lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if wanted(&event) {
            return event;
        }
    }
    panic!("the program ended before the event came");
}

/// Sends a signal.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

/// What a checkpoint holds of the training: adapter, optimizer, state.
pub fn checkpoint_files(run: &Path, step: u64) -> Vec<Vec<u8>> {
    let dir = run.join(format!("checkpoints/step-{step:08}"));
    ["adapter_model.safetensors", "optimizer.safetensors", "trainer_state.json"]
        .map(|file| std::fs::read(dir.join(file)).unwrap())
        .to_vec()
}
