//! What goes on around a run: stages, early stopping, estimates, ablations, reports to other programs.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::{assert_code, demo_run, events, program, wait_for};
use serde_json::Value;

/// Supervised fine-tuning and GRPO of the built-in model, four short steps each.
const STAGES: &str = "
model: { path: builtin:demo }
data: { root: builtin:demo, max_prompt_tokens: 512, limit: 64 }
lora: { r: 4 }
rollout: { num_generations: 4, prompts_per_step: 2, max_completion_length: 32, temperature: 1.0 }
sft: { questions_per_bundle: 4, bundles_per_step: 1 }
eval: { questions: 4, every: 0, at_start: false }
run: { seed: 7, max_steps: 4, checkpoint_every: 1 }
stages:
  - method: sft
    optim: { learning_rate: 1.0e-3 }
  - method: grpo
    optim: { learning_rate: 1.0e-4 }
";

fn staged(config: &Path, run: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.args(["train", "--headless", "--config"]).arg(config).arg("--run-dir").arg(run).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The adapter and the counters that a stage left.
fn left(run: &Path, stage: &str) -> Vec<Vec<u8>> {
    let checkpoint = run.join(stage).join("checkpoints/step-00000004");
    ["adapter_model.safetensors", "optimizer.safetensors", "trainer_state.json"]
        .map(|name| fs::read(checkpoint.join(name)).unwrap())
        .to_vec()
}

#[test]
fn stages_follow_each_other_and_are_taken_up_where_they_were_killed() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("stages.yaml");
    fs::write(&config, STAGES).unwrap();
    let (through, killed) = (dir.path().join("through"), dir.path().join("killed"));
    let output = staged(&config, &through, &[]).output().unwrap();
    assert_code(&output, 0);
    let begun: Vec<Value> = events(&output).into_iter().filter(|event| event["type"] == "run").collect();
    assert_eq!(begun.iter().map(|run| run["method"].as_str().unwrap()).collect::<Vec<_>>(), ["sft", "grpo"]);
    let first = through.canonicalize().unwrap().join("1-sft/checkpoints/step-00000004");
    assert_eq!(begun[1]["settings"]["lora"]["init_adapter"], first.display().to_string());
    assert_eq!(
        (&begun[0]["settings"]["run"]["stage"], &begun[1]["settings"]["run"]["stage"]),
        (&"1/2".into(), &"2/2".into())
    );

    let kill = |more: &[&str], step: u64| {
        let mut child = staged(&config, &killed, more).spawn().unwrap();
        wait_for(&mut child, |event| event["type"] == "checkpoint" && event["step"] == step);
        child.kill().unwrap();
        child.wait().unwrap();
    };
    kill(&[], 2);
    assert!(!killed.join("2-grpo").exists(), "killed in the first stage");
    // Steps of the first stage go on at 3: the next checkpoint of step 2 is the second stage's.
    kill(&["--resume"], 2);
    assert!(killed.join("2-grpo/run.db").is_file(), "killed in the second stage");
    let resumed = program().args(["train", "--headless", "--resume", "--run-dir"]).arg(&killed).output().unwrap();
    assert_code(&resumed, 0);
    assert!(events(&resumed).iter().all(|event| event["type"] != "run" || event["method"] == "grpo"));
    assert_eq!(left(&killed, "1-sft"), left(&through, "1-sft"));
    assert_eq!(left(&killed, "2-grpo"), left(&through, "2-grpo"));

    let taken = staged(&config, &through, &[]).output().unwrap();
    assert_code(&taken, 2);
    let again = staged(&config, &through, &["--resume"]).output().unwrap();
    assert_code(&again, 0);
    assert!(events(&again).is_empty(), "nothing is left to do");
    let listed = program().args(["runs", "--json"]).arg(dir.path()).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    assert!(names.contains("\"through/1-sft\"") && names.contains("\"killed/2-grpo\""), "{names}");
}

#[test]
fn a_mistake_in_a_stage_is_told_before_anything_is_trained() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("bad.yaml");
    fs::write(&config, STAGES.replace("optim: { learning_rate: 1.0e-4 }", "optim: { learning_rat: 1.0e-4 }")).unwrap();
    let output = staged(&config, &dir.path().join("run"), &[]).output().unwrap();
    assert_code(&output, 2);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("bad.yaml:13: stage 2: optim.learning_rat") && said.contains("`learning_rate`"), "{said}");
    assert!(!dir.path().join("run").exists());
}

#[test]
fn a_run_that_gets_no_better_ends_early() {
    let dir = tempfile::tempdir().unwrap();
    let sets = ["eval.every=1", "eval.questions=4", "eval.at_start=true", "eval.patience=2", "optim.learning_rate=0"];
    let output = demo_run(&dir.path().join("run"), 9, &sets).output().unwrap();
    assert_code(&output, 0);
    let end = events(&output).pop().unwrap();
    assert_eq!((end["reason"].as_str(), end["step"].as_u64()), (Some("early_stopped"), Some(2)), "{end}");
    assert_eq!((end["best"]["step"].as_u64(), &end["best"]["checkpoint"]), (Some(0), &Value::Null));
}

#[test]
fn an_estimate_counts_what_the_run_will_do_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = program();
    command
        .args(["estimate", "--config", "demo", "--max-steps", "60", "--measure", "2", "--json"])
        .env("TMPDIR", dir.path());
    for set in [
        "rollout.num_generations=4",
        "rollout.prompts_per_step=2",
        "eval.every=20",
        "eval.questions=16",
        "run.checkpoint_every=30",
    ] {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    assert_code(&output, 0);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |key: &str| found[key].as_f64().unwrap();
    assert_eq!((found["steps"].as_u64(), found["measured_step_s"].as_array().unwrap().len()), (Some(60), 2));
    // At 0, 20, 40 and the end; checkpoints at 30 and the end.
    assert_eq!((number("evaluations"), number("checkpoints"), number("measured_questions")), (4.0, 2.0, 8.0));
    let sum = number("load_s") + 60.0 * number("step_s") + 4.0 * number("evaluation_s") + 2.0 * number("checkpoint_s");
    assert!((sum - number("total_s")).abs() < 1e-6 && number("longest_total_s") >= number("total_s"), "{found}");
    assert!(number("peak_bytes") > 1e7 && number("checkpoint_bytes") > 1e4, "{found}");
    let rest: Vec<PathBuf> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(rest.iter().all(|path| !path.display().to_string().contains("estimate")), "{rest:?}");
}

#[test]
fn a_grid_runs_each_cell_once_tells_what_failed_and_compares() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("grid");
    let run = |more: &[&str]| {
        let mut command = program();
        command.args(["ablate", "--config", "demo", "--max-steps", "2", "--out"]).arg(&out);
        for set in
            ["rollout.num_generations=4", "rollout.prompts_per_step=2", "eval.questions=4", "eval.at_start=false"]
        {
            command.args(["--set", set]);
        }
        command.args(["--vary", "grpo.loss_type=grpo,dapo", "--seeds", "1,2"]).args(more).output().unwrap()
    };
    let first = run(&[]);
    assert_code(&first, 0);
    for name in ["ablation.md", "ablation.csv", "ablation.json", "ablation.png", "ablation.svg"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let rows: Value = serde_json::from_slice(&fs::read(out.join("ablation.json")).unwrap()).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["state"] == "done" && row["steps"] == 2 && row["last"]["n"] == 4), "{rows:?}");
    let again = run(&[]);
    assert_code(&again, 0);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(said.matches("finished before").count(), 4, "{said}");
    let other = run(&["--set", "grpo.beta=0.5"]);
    assert_code(&other, 2);
    assert!(String::from_utf8_lossy(&other.stderr).contains("grpo.beta: 0.005 → 0.5"));

    // No question fits into 16 tokens.
    let out = dir.path().join("partly");
    let mut command = program();
    command.args(["ablate", "--config", "demo", "--max-steps", "1", "--set", "eval.questions=0", "--out"]).arg(&out);
    let partly = command.args(["--vary", "data.max_prompt_tokens=16,512"]).output().unwrap();
    assert_code(&partly, 1);
    let rows: Value = serde_json::from_slice(&fs::read(out.join("ablation.json")).unwrap()).unwrap();
    assert_eq!((&rows[0]["state"], &rows[1]["state"]), (&"failed".into(), &"done".into()));
    assert!(fs::read_to_string(out.join("ablation.md")).unwrap().contains("failed:"));
}

#[test]
fn a_server_that_does_not_answer_is_told_once_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("report.mlflow_tracking_uri=http://127.0.0.1:{port}");
    let output = demo_run(&run, 3, &["report.report_to=[tensorboard, mlflow]", &uri]).output().unwrap();
    assert_code(&output, 0);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.matches("does not answer").count(), 1, "{said}");
    assert_eq!(fs::read_dir(run.join("tensorboard")).unwrap().count(), 1);
}
