//! The commands on data, and data with something wrong in them: the built program.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{fs, path::Path, process::Output};

use common::{assert_code, bird, mini_data, program, short_run, short_run_on, smollm2};
use serde_json::{Value, json};

fn data(arguments: &[&str], folder: &Path) -> Output {
    program().arg("data").args(arguments).arg(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn report(folder: &Path, code: i32) -> Value {
    let output = data(&["check", "--json"], folder);
    assert_code(&output, code);
    serde_json::from_str::<Value>(&stdout(&output)).unwrap()["report"].clone()
}

/// A copy of the small data set that may be damaged.
fn copy(of: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-r").arg(of.join(".")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    folder
}

fn change(file: &Path, change: impl Fn(&mut Vec<Value>)) {
    let mut entries: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut entries);
    fs::write(file, serde_json::to_string(&entries).unwrap()).unwrap();
}

#[test]
fn a_whole_data_set_is_counted() {
    let report = report(&mini_data(), 0);
    assert_eq!(report["usable"], true);
    assert_eq!((&report["splits"][0]["questions"], &report["splits"][1]["questions"]), (&json!(8), &json!(4)));
    let output = data(&["check", "--slow", "0"], &mini_data());
    assert_code(&output, 0);
    let said = stdout(&output);
    for part in [
        "train: 8 questions on",
        "hardness",
        "gold queries that fail: 0",
        "slow gold queries: 8",
        "questions per database: ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn bird_is_read_as_it_unpacks_and_its_gold_queries_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    bird::write(folder.path());
    let report = report(folder.path(), 0);
    let (train, dev) = (&report["splits"][0], &report["splits"][1]);
    assert_eq!((&train["questions"], &train["with_evidence"]), (&json!(5), &json!(3)));
    assert_eq!(train["gold_failing"][0]["entry"], 3);
    assert!(train["gold_failing"][0]["outcome"].as_str().unwrap().contains("no such column: winner"));
    assert_eq!(train["gold_empty"][0]["entry"], 2);
    assert_eq!(dev["difficulty"], json!({"simple": 1, "moderate": 1, "challenging": 1}));
    assert_eq!(dev["questions_per_database"], json!({"schools": 3}));
    let alone = data(&["check", "--split", "dev"], &folder.path().join("dev_20240627"));
    assert_code(&alone, 0);
    assert!(stdout(&alone).contains("dev: 3 questions"), "{}", stdout(&alone));
    let half = data(&["check"], &folder.path().join("dev_20240627"));
    assert_code(&half, 3);
    assert!(stdout(&half).contains("train.json") && stdout(&half).contains("dev: 3 questions"), "{}", stdout(&half));
}

#[test]
fn what_cannot_be_used_is_named_with_file_and_entry() {
    let folder = copy(&mini_data());
    change(&folder.path().join("train_spider.json"), |entries| {
        entries[2]["db_id"] = json!("gone");
        entries[4] = json!({"db_id": "shop", "question": "How many?"});
    });
    let report = report(folder.path(), 3);
    assert_eq!((&report["usable"], &report["splits"][0]["questions"]), (&json!(false), &json!(6)));
    assert_eq!(report["splits"][0]["missing_databases"], json!(["gone"]));
    let unusable = &report["splits"][0]["unusable"];
    assert!(
        unusable[0].as_str().unwrap().contains("train_spider.json, entry 2: there is no database `gone`"),
        "{unusable}"
    );
    assert!(
        unusable[1].as_str().unwrap().contains("entry 4: missing field `query` (or `SQL`); it has db_id, question"),
        "{unusable}"
    );
    let output = data(&["check"], folder.path());
    assert!(stderr(&output).contains("--skip-bad"), "{}", stderr(&output));
    let nowhere = data(&["check"], Path::new("/no/where"));
    assert_code(&nowhere, 3);
    assert!(stderr(&nowhere).contains("/no/where/train_spider.json"), "{}", stderr(&nowhere));
}

#[test]
fn training_ends_at_bad_entries_or_leaves_them_out_and_says_so() {
    let Some(model) = smollm2() else { return };
    let folder = copy(&mini_data());
    let cut = fs::read_to_string(folder.path().join("train_spider.json")).unwrap();
    fs::write(folder.path().join("train_spider.json"), &cut[..cut.len() - 40]).unwrap();
    change(&folder.path().join("dev.json"), |entries| entries[0]["question"] = json!(["a", "list"]));
    let train = |run: &str, extra: &[&str]| {
        let run = folder.path().join(run);
        short_run_on(folder.path(), &model, &run, 1).args(extra).output().unwrap()
    };
    let refused = train("refused", &[]);
    assert_code(&refused, 3);
    let said = stderr(&refused);
    assert!(
        said.contains("train_spider.json, entry 7") && said.contains("EOF") && said.contains("--skip-bad"),
        "{said}"
    );
    let done = train("done", &["--skip-bad"]);
    assert_code(&done, 0);
    let said = stderr(&done);
    for part in ["1 of 7 train entries", "1 of 4 dev entries", "dev.json, entry 0: `question` is"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(common::events(&done)[0]["data"]["train"], 7);
}

#[test]
fn training_runs_on_bird_and_leaves_useless_gold_out() {
    let Some(model) = smollm2() else { return };
    let folder = tempfile::tempdir().unwrap();
    bird::write(folder.path());
    let output = short_run_on(folder.path(), &model, &folder.path().join("run"), 1)
        .args(["--set", "prompt.template=omnisql", "--set", "prompt.sample_values=2"])
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_eq!(common::events(&output)[0]["data"]["train"], 3);
    assert!(
        stderr(&output).contains("1 questions whose gold query fails, 1 whose gold result is empty"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_wrong_template_is_named_with_its_line() {
    let Some(model) = smollm2() else { return };
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("mine.jinja");
    fs::write(&template, "{{ schema }}\n{{ questoin }}\n").unwrap();
    let set = format!("prompt.template={}", template.display());
    let output = short_run(&model, &folder.path().join("run"), 1).args(["--set", &set]).output().unwrap();
    assert_code(&output, 2);
    assert!(stderr(&output).contains("mine.jinja:2") && stderr(&output).contains("undefined"), "{}", stderr(&output));
    let unknown =
        short_run(&model, &folder.path().join("run"), 1).args(["--set", "prompt.template=plane"]).output().unwrap();
    assert_code(&unknown, 2);
    assert!(
        stderr(&unknown).contains("prompt.template is plane; allowed: plain, sql_r1, omnisql"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn prompt_lengths_are_measured_with_a_models_tokenizer() {
    let Some(model) = smollm2() else { return };
    let model = model.display().to_string();
    let length = |template: &str| {
        let set = format!("prompt.template={template}");
        let output = data(&["check", "--json", "--model", &model, "--set", &set], &mini_data());
        assert_code(&output, 0);
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        report["prompt_tokens"]["train"]["median"].as_u64().unwrap()
    };
    assert!(length("omnisql") > length("plain") && length("plain") > 20);
}

#[test]
fn a_part_of_bird_is_a_data_set_in_the_same_layout() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, part) = (folder.path().join("bird"), folder.path().join("part"));
    bird::write(&whole);
    let arguments = ["data", "subset", "--count", "2", "--hardness", "simple,moderate,easy,medium", "--seed", "3"];
    let output = program().args(arguments).arg("--data").arg(&whole).arg("--out").arg(&part).output().unwrap();
    assert_code(&output, 0);
    assert!(stdout(&output).contains("train: 2 of"), "{}", stdout(&output));
    let checked = report(&part, 0);
    assert_eq!(checked["splits"][0]["gold_failing"], json!([]));
    assert_eq!(checked["splits"][1]["difficulty"], json!({"simple": 1, "moderate": 1}));
    let dev: Vec<Value> = serde_json::from_slice(&fs::read(part.join("dev_20240627/dev.json")).unwrap()).unwrap();
    assert_eq!(dev.iter().map(|entry| entry["question_id"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    assert!(part.join("dev_20240627/dev_databases/schools/database_description/school.csv").is_file());
    let tables: Vec<Value> = serde_json::from_slice(&fs::read(part.join("train/train_tables.json")).unwrap()).unwrap();
    assert_eq!(tables, [json!({"db_id": "races"})]);
    let again = program().args(arguments).arg("--data").arg(&whole).arg("--out").arg(&part).output().unwrap();
    assert_code(&again, 2);
    assert!(stderr(&again).contains("not empty"), "{}", stderr(&again));
}

#[test]
fn a_part_must_be_one_that_there_is() {
    let out = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = program();
        command.args(["data", "subset", "--data"]).arg(mini_data()).arg("--out").arg(out.path().join("part"));
        command.args(arguments).output().unwrap()
    };
    let output = run(&["--database", "shpo"]);
    assert_code(&output, 2);
    assert!(stderr(&output).contains("`shpo`") && stderr(&output).contains("shop"), "{}", stderr(&output));
    assert_code(&run(&["--hardness", "impossible"]), 2);
    assert_code(&run(&["--count", "0"]), 2);
    let output = run(&["--hardness", "challenging"]);
    assert_code(&output, 2);
    assert!(stderr(&output).contains("none of the 12 questions"), "{}", stderr(&output));
    assert_code(&run(&["--split", "dev", "--count", "3"]), 0);
    assert!(!out.path().join("part/train_spider.json").exists());
}
