//! `eval` as a user meets it, with a model made for the purpose: a small decoder that has learnt the eight training questions of the mini
//! data by heart, and none of the held-out ones.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use common::{assert_code, mini_data, program};
use serde_json::Value;

/// Trains the model; a second or two.
fn parrot(dir: &Path) -> PathBuf {
    let path = dir.join("parrot.gguf");
    let mut command = program();
    command.args(["sft", "--from-scratch", "--seed", "1", "--steps", "150", "--data"]).arg(mini_data());
    for set in [
        "scratch.vocab_size=512",
        "scratch.hidden_size=64",
        "scratch.intermediate_size=128",
        "scratch.num_hidden_layers=2",
        "scratch.num_attention_heads=2",
        "scratch.num_key_value_heads=1",
        "eval.questions=1",
        "eval.every=1000",
        "rollout.max_completion_length=64",
    ] {
        command.args(["--set", set]);
    }
    // It ends with code 1, since no held-out question is answered; the file is written before.
    command.arg("--out").arg(&path).output().unwrap();
    path
}

fn eval(dir: &Path, model: &Path, more: &[&str]) -> Output {
    let mut command = program();
    command.current_dir(dir).arg("eval").arg("--model").arg(model).arg("--data").arg(mini_data());
    command.args(more).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert_code(output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn answers_are_judged_written_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let model = parrot(dir.path());
    let known = json(&eval(dir.path(), &model, &["--split", "train", "--json", "--out", "known.jsonl"]));
    assert_eq!(
        (&known["n"], &known["execution_accuracy"], &known["exact_match"]),
        (&8.into(), &1.0.into(), &1.0.into())
    );
    assert_eq!(known["hardness"]["easy"]["n"], 6);
    let answers = lines(&dir.path().join("known.jsonl"));
    assert!(answers.iter().all(|a| a["exec"] == 1 && a["sql"] == a["gold_sql"] && a["failure"].is_null()));

    // Cut off after two tokens, every reply is a beginning: no query of these runs.
    let more = ["--split", "train", "--max-new-tokens", "2", "--json", "--out", "cut.jsonl", "--report", "cut.md"];
    let cut = json(&eval(dir.path(), &model, &more));
    assert_eq!((&cut["n"], &cut["execution_accuracy"], &cut["cut_off"]), (&8.into(), &0.0.into(), &8.into()));
    let counted: u64 = cut["failures"].as_object().unwrap().values().map(|f| f["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, 8);
    let report = fs::read_to_string(dir.path().join("cut.md")).unwrap();
    assert!(report.contains("| all | 8 | 0.0 |") && report.contains("## Failures"), "{report}");

    let compare = |more: &[&str]| {
        program()
            .current_dir(dir.path())
            .args(["eval", "--compare", "cut.jsonl", "known.jsonl"])
            .args(more)
            .output()
            .unwrap()
    };
    let found = json(&compare(&["--json"]));
    assert_eq!((&found["n"], &found["exec"]["difference"]), (&8.into(), &1.0.into()));
    assert_eq!(found["exec"]["gained"].as_array().unwrap().len(), 8);
    assert!((found["exec"]["mcnemar_p"].as_f64().unwrap() - 2.0 / 256.0).abs() < 1e-12);
    let table = compare(&[]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("gained (right in B alone, by execution): 8"));
    for (name, accuracy) in [("known.jsonl", 1.0), ("cut.jsonl", 0.0)] {
        assert_eq!(scored(dir.path(), name)["execution_accuracy"], accuracy, "{name}");
    }
}

/// What `score` says of the queries in a file of answers.
fn scored(dir: &Path, answers: &str) -> Value {
    let text = |a: &Value, key: &str| a[key].as_str().unwrap().to_owned();
    let column = |line: &dyn Fn(&Value) -> String| {
        lines(&dir.join(answers)).iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    };
    fs::write(dir.join("gold.sql"), column(&|a| text(a, "gold_sql") + "\t" + &text(a, "db_id"))).unwrap();
    fs::write(dir.join("pred.sql"), column(&|a| text(a, "sql"))).unwrap();
    let mut command = program();
    command.current_dir(dir).args(["score", "--gold", "gold.sql", "--pred", "pred.sql", "--json", "--data"]);
    let output = command.arg(mini_data()).output().unwrap();
    assert_code(&output, 0);
    serde_json::from_str(String::from_utf8(output.stdout).unwrap().lines().last().unwrap()).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_samples_and_votes_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let model = parrot(dir.path());
    let more =
        |out: &'static str| ["--split", "train", "--self-consistency", "5", "--seed", "3", "--json", "--out", out];
    let first = json(&eval(dir.path(), &model, &more("a.jsonl")));
    json(&eval(dir.path(), &model, &more("b.jsonl")));
    assert_eq!(fs::read(dir.path().join("a.jsonl")).unwrap(), fs::read(dir.path().join("b.jsonl")).unwrap());
    for answer in lines(&dir.path().join("a.jsonl")) {
        assert_eq!(answer["votes"][1], 5);
        assert!((1..=5).contains(&answer["votes"][0].as_u64().unwrap()), "{answer}");
    }
    assert!(first["execution_accuracy"].as_f64().unwrap() > 0.5, "it knows these by heart");
    let found = json(&eval(dir.path(), &model, &["--split", "train", "--decode", "beam", "--beams", "3", "--json"]));
    assert_eq!(found["decode"], "beam search, 3 beams");
    // Not all: the mean log-probability may prefer a longer reply to the one learnt.
    assert!(found["execution_accuracy"].as_f64().unwrap() > 0.5, "{found}");
    let sampled = json(&eval(dir.path(), &model, &["--decode", "sample", "--limit", "1", "--json"]));
    assert_eq!(sampled["n"], 1);
}

#[test]
fn mistakes_are_told_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let none = program().arg("eval").output().unwrap();
    assert_code(&none, 2);
    assert!(said(&none).contains("--model"), "{}", said(&none));
    let gone = eval(dir.path(), Path::new("gone.gguf"), &[]);
    assert_code(&gone, 3);
    assert!(said(&gone).contains("gone.gguf"), "{}", said(&gone));
    let unwritable = eval(dir.path(), Path::new("gone.gguf"), &["--out", "no/such/folder/x.jsonl"]);
    assert_code(&unwritable, 3);
    assert!(said(&unwritable).contains("no/such/folder"), "{}", said(&unwritable));
    let compared = program().args(["eval", "--compare", "/no/a", "/no/b"]).output().unwrap();
    assert_code(&compared, 3);
    assert!(said(&compared).contains("/no/a"), "{}", said(&compared));
}
