//! Runs that are killed and resumed.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{fs, path::Path};

use common::{assert_code, checkpoint_files, events, short_run, signal, smollm2, wait_for};

#[test]
fn a_killed_run_resumes_and_equals_one_that_ran_through() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (through, killed) = (dir.path().join("through"), dir.path().join("killed"));
    assert_code(&short_run(&model, &through, 4).output().unwrap(), 0);

    let mut child = short_run(&model, &killed, 4).spawn().unwrap();
    wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = short_run(&model, &killed, 4).arg("--resume").output().unwrap();
    assert_code(&resumed, 0);
    let events = events(&resumed);
    assert_eq!(events[0]["resumed_from"], 2);
    let steps: Vec<_> = events.iter().filter(|e| e["type"] == "step").map(|e| e["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [3, 4]);
    assert_eq!(checkpoint_files(&killed, 4), checkpoint_files(&through, 4));
}

#[test]
fn a_resumed_run_draws_questions_by_the_same_pass_rates() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (through, killed) = (dir.path().join("through"), dir.path().join("killed"));
    // Two questions a step of eight: from the fifth step on the rates of the first pass decide.
    let run = |run: &Path| {
        let mut command = short_run(&model, run, 8);
        command.args([
            "--set",
            "data.curriculum=pass_rate",
            "--set",
            "eval.questions=0",
            "--set",
            "rollout.num_generations=2",
        ]);
        command
    };
    assert_code(&run(&through).output().unwrap(), 0);
    let mut child = run(&killed).spawn().unwrap();
    wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 7);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_code(&run(&killed).arg("--resume").output().unwrap(), 0);
    let [.., state] = &checkpoint_files(&killed, 8)[..] else { panic!("no files") };
    let state: serde_json::Value = serde_json::from_slice(state).unwrap();
    assert_eq!(state["pass_rates"].as_object().unwrap().len(), 8, "{state}");
    assert!(state["cursor"]["epoch"].as_u64() > Some(1), "hopeless questions were passed over: {state}");
    assert_eq!(checkpoint_files(&killed, 8), checkpoint_files(&through, 8));
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_is_used() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert_code(&short_run(&model, &run, 4).output().unwrap(), 0);
    let adapter = run.join("checkpoints/step-00000004/adapter_model.safetensors");
    let mut bytes = fs::read(&adapter).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&adapter, bytes).unwrap();
    let resumed = short_run(&model, &run, 5).arg("--resume").output().unwrap();
    assert_code(&resumed, 0);
    assert_eq!(events(&resumed)[0]["resumed_from"], 2);
    let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert!(said.contains("step-00000004") && said.contains("damaged"), "{said}");
    assert!(
        run.join("checkpoints/step-00000004.damaged-0/adapter_model.safetensors").is_file(),
        "nothing is thrown away"
    );
}

#[test]
fn signals_save_and_end_with_their_code() {
    let Some(model) = smollm2() else { return };
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let mut child = short_run(&model, &run, 1000).spawn().unwrap();
        wait_for(&mut child, |e| e["type"] == "step" && e["step"] == 1);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_code(&output, code);
        let last = events(&output).pop().unwrap();
        assert_eq!((last["type"].as_str(), last["reason"].as_str()), (Some("end"), Some("signal")));
        let step = last["step"].as_u64().unwrap();
        assert!(run.join(format!("checkpoints/step-{step:08}/manifest.json")).is_file());
    }
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut child = short_run(&model, &run, 2).spawn().unwrap();
    drop(child.stdout.take());
    assert_code(&child.wait_with_output().unwrap(), 0);
    assert!(run.join("checkpoints/step-00000002/manifest.json").is_file());
}

#[test]
fn a_refused_resumption_leaves_the_run_as_it_was() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    assert_code(&short_run(&model, &run, 1).output().unwrap(), 0);
    let settings = fs::read(run.join("settings.yaml")).unwrap();
    let refused = short_run(&model, &run, 2).args(["--resume", "--set", "lora.r=8"]).output().unwrap();
    assert!(!refused.status.success());
    assert!(refused.stdout.is_empty(), "the first line is `run` or there is none");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("lora.r"), "{said}");
    assert_eq!(fs::read(run.join("settings.yaml")).unwrap(), settings);
    let resumed = short_run(&model, &run, 2).arg("--resume").output().unwrap();
    assert_code(&resumed, 0);
    let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert!(said.contains("run.max_steps: 1 → 2"), "{said}");
}
