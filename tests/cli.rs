//! What the program says and how it ends when it is used wrongly, or on a machine that lacks something.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use common::{assert_code, events, mini_data, program, short_run, smollm2};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_arguments_the_built_in_demonstration_trains_from_any_folder() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = program()
        .current_dir(dir.path())
        .env("XDG_CACHE_HOME", dir.path().join("cache"))
        .env("XDG_CONFIG_HOME", dir.path().join("config"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first: serde_json::Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((first["type"].as_str(), first["name"].as_str()), (Some("run"), Some("demo")));
    assert!(lines.any(|line| line.contains(r#""type":"step","step":1,"#)), "no step is trained");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(lines.last().map(|line| line.contains(r#""reason":"signal""#)), Some(true));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(dir.path().join("runs").is_dir());
}

#[test]
fn a_demonstration_in_the_working_folder_wins_over_the_built_in_one() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("data/demo");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("model.gguf"), "no model at all").unwrap();
    let run = || {
        let mut program = program();
        program.args(["eval", "--model", "builtin:demo", "--data", "builtin:demo", "--limit", "2"]);
        let dirs = [("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")];
        program.current_dir(dir.path()).envs(dirs.map(|(name, place)| (name, dir.path().join(place))));
        program.output().unwrap()
    };
    let refused = run();
    assert_code(&refused, 3);
    assert!(stderr(&refused).contains("data/demo/model.gguf"), "{}", stderr(&refused));
    fs::remove_file(own.join("model.gguf")).unwrap();
    assert_code(&run(), 0);
}

#[test]
fn wrong_flags_are_usage_errors() {
    assert_code(&program().args(["train", "--modle", "x"]).output().unwrap(), 2);
    assert_code(&program().arg("fly").output().unwrap(), 2);
    let output = program().args(["train", "--resume"]).output().unwrap();
    assert_code(&output, 2);
    assert!(stderr(&output).contains("--run-dir"));
}

#[test]
fn a_bad_configuration_is_named_with_file_line_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.yaml");
    for (text, expected) in [
        ("rollout:\n  num_generations: 1\n", "bad.yaml:2: rollout.num_generations is 1; allowed: 2 to 1024"),
        ("grpo:\n  bta: 0.1\n", "did you mean `beta`"),
        ("optim:\n  learning_rate: quick\n", "bad.yaml:2:"),
    ] {
        fs::write(&file, text).unwrap();
        let output = program().args(["train", "--headless", "--config"]).arg(&file).output().unwrap();
        assert_code(&output, 2);
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn missing_model_data_and_device_are_environment_errors() {
    let dir = tempfile::tempdir().unwrap();
    let run =
        |args: &[&str]| program().current_dir(dir.path()).args(["train", "--headless"]).args(args).output().unwrap();
    let output = run(&["--model", "gone.gguf", "--data", "."]);
    assert_code(&output, 3);
    assert!(stderr(&output).contains("gone.gguf"), "{}", stderr(&output));
    fs::write(dir.path().join("bad.gguf"), b"GGUF\x03\0\0\0 cut short").unwrap();
    let output = run(&["--model", "bad.gguf", "--data", "nowhere"]);
    assert_code(&output, 3);
    assert!(stderr(&output).contains("nowhere"), "{}", stderr(&output));
    let data = mini_data().display().to_string();
    let output = run(&["--model", "bad.gguf", "--data", &data]);
    assert_code(&output, 3);
    assert!(stderr(&output).contains("bad.gguf"), "{}", stderr(&output));
    let output = run(&["--model", "bad.gguf", "--data", &data, "--device", "cuda"]);
    assert_code(&output, 3);
    assert!(stderr(&output).contains("--device cpu"), "{}", stderr(&output));
}

#[test]
fn neither_model_nor_data_is_guessed() {
    let output = program().args(["train", "--headless"]).output().unwrap();
    assert_code(&output, 2);
    assert!(stderr(&output).contains("--model"));
    let output = program().args(["train", "--headless", "--model", "m.gguf"]).output().unwrap();
    assert_code(&output, 2);
    assert!(stderr(&output).contains("--data"));
}

#[test]
fn a_run_folder_is_never_written_over() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let output = short_run(&model, &run, 1).output().unwrap();
    assert_code(&output, 0);
    let kinds: Vec<_> = events(&output).iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["run", "step", "eval", "checkpoint", "end"]);
    let again = short_run(&model, &run, 1).output().unwrap();
    assert_code(&again, 2);
    assert!(stderr(&again).contains("--resume"), "{}", stderr(&again));
    let missing = short_run(&model, &dir.path().join("other"), 1).arg("--resume").output().unwrap();
    assert!(matches!(missing.status.code(), Some(2 | 3)), "{}", stderr(&missing));
}

#[test]
fn kl_is_zero_at_the_first_step_and_positive_later_and_candidates_differ() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let output = short_run(&model, &run, 4)
        .args(["--set", "grpo.beta=0", "--set", "rollout.max_completion_length=32"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    let kl: Vec<f64> =
        events(&output).iter().filter(|e| e["type"] == "step").map(|e| e["kl"].as_f64().unwrap()).collect();
    assert!(kl[0].abs() < 1e-9, "{kl:?}");
    assert!(kl[3] > 1e-6, "{kl:?}");
    for step in events(&output).iter().filter(|e| e["type"] == "step") {
        let difference = step["sampling/sampling_logp_difference/max"].as_f64().unwrap();
        assert!((0.0..1e-3).contains(&difference), "sampling and update disagree: {difference}");
    }
    let store = sqlr1_tui::run::store::RunStore::open_read_only(&run.join("run.db")).unwrap();
    let records = store.since(0, 10_000).unwrap();
    let groups: Vec<_> = records
        .iter()
        .filter_map(|r| match &r.event {
            sqlr1_tui::run::event::Event::Group(group) => Some(group),
            _ => None,
        })
        .collect();
    assert_eq!(groups.len(), 8, "two questions a step");
    assert!(groups.iter().all(|g| g.candidates.len() == 3));
    assert!(
        groups.iter().any(|g| g.candidates.iter().any(|c| c.text != g.candidates[0].text)),
        "all candidates are the same"
    );
    for group in &groups {
        let sum: f64 = group.candidates.iter().map(|c| c.advantage).sum();
        assert!(sum.abs() < 1e-6, "{sum}");
    }
}

#[test]
fn built_in_data_and_configurations_work_from_any_folder() {
    let Some(model) = smollm2() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut command = program();
    command.current_dir(dir.path()).env("XDG_CACHE_HOME", dir.path().join("cache"));
    command.args(["train", "--headless", "--config", "smollm2-spider", "--data", "builtin:demo", "--max-steps", "1"]);
    for set in [
        "rollout.num_generations=2",
        "rollout.max_completion_length=4",
        "rollout.prompts_per_step=1",
        "eval.questions=1",
    ] {
        command.args(["--set", set]);
    }
    let output = command.arg("--model").arg(model).args(["--run-dir", "run"]).output().unwrap();
    assert_code(&output, 0);
    assert_eq!(events(&output)[0]["data"]["train"], 8000);
    let settings = fs::read_to_string(dir.path().join("run/settings.yaml")).unwrap();
    assert!(settings.contains("root: builtin:demo") && settings.contains("name: smollm2-spider"), "{settings}");
    assert!(dir.path().join("run/exports/curves.png").is_file(), "a run that completes leaves its curves");
}
