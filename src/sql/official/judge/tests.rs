use std::path::PathBuf;

use serde::Deserialize;

use super::*;
use crate::settings::SqlSettings;

/// A line of the files that the official evaluator's verdicts are in.
#[derive(Debug, Deserialize)]
struct Official {
    db_id: String,
    gold: String,
    prediction: String,
    hardness: Hardness,
    exec: u8,
    exec_keep_distinct: u8,
    exact: u8,
    parsed: bool,
}

fn verdicts_folder() -> PathBuf {
    std::env::var_os("SQLR1_VERDICTS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/official-verdicts"), PathBuf::from)
}

/// Compares our verdicts with all of a file's.
fn check(file: &str, lines: usize) {
    let (Some(root), Ok(text)) = (std::env::var_os("SQLR1_SPIDER"), fs::read_to_string(verdicts_folder().join(file)))
    else {
        println!("skipped: needs SQLR1_SPIDER and {} (SQLR1_VERDICTS)", verdicts_folder().join(file).display());
        return;
    };
    let sandbox = Sandbox::in_process(&SqlSettings { timeout: 60.0, ..SqlSettings::default() });
    let judge = |keep_distinct| {
        let options = ExecutionOptions { keep_distinct, plug_value: false };
        Judge::new(Path::new(&root), sandbox.clone(), options).unwrap()
    };
    let (stripped, kept) = (judge(false), judge(true));
    let mut wrong = Vec::new();
    for line in text.lines() {
        let official: Official = serde_json::from_str(line).unwrap();
        let verdict = stripped.verdict(&official.db_id, &official.gold, &official.prediction);
        let keep = kept.verdict(&official.db_id, &official.gold, &official.prediction);
        let ours = (
            verdict.hardness,
            u8::from(verdict.official.exec),
            u8::from(keep.official.exec),
            u8::from(verdict.official.exact),
        );
        let theirs = (Some(official.hardness), official.exec, official.exec_keep_distinct, official.exact);
        if ours != theirs || verdict.official.parsed != official.parsed {
            wrong.push(format!("ours {ours:?} {verdict:?}\n  {official:?}"));
        }
    }
    assert_eq!(text.lines().count(), lines);
    assert!(wrong.is_empty(), "{} of {lines} lines differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn official_verdicts_on_the_dev_set_are_ours() {
    check("spider_dev.jsonl", 1034);
}

#[test]
fn official_verdicts_on_odd_cases_are_ours() {
    check("odd_cases.jsonl", 40);
}
