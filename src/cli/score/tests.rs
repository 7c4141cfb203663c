use std::{fs, path::Path};

use clap::Parser;
use serde_json::Value;

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    score: ScoreArgs,
}

/// Scores predictions for `SELECT name FROM t` on a folder made for it.
fn score(predictions: &str, more: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("database/d")).unwrap();
    let connection = rusqlite::Connection::open(root.join("database/d/d.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE t(name, value); INSERT INTO t VALUES ('a', 1), ('b', 2)").unwrap();
    // A second database in the folder: both have to agree.
    let connection = rusqlite::Connection::open(root.join("database/d/d_v1.sqlite")).unwrap();
    connection.execute_batch("CREATE TABLE t(name, value); INSERT INTO t VALUES ('c', 3), ('a', 1)").unwrap();
    let tables = r#"[{"db_id": "d", "table_names_original": ["t"], "foreign_keys": [],
                     "column_names_original": [[-1, "*"], [0, "name"], [0, "value"]]}]"#;
    fs::write(root.join("tables.json"), tables).unwrap();
    let count = predictions.lines().count();
    fs::write(root.join("gold.sql"), "SELECT name FROM t\td\n".repeat(count)).unwrap();
    fs::write(root.join("pred.sql"), predictions).unwrap();
    scored(root, &root.join("gold.sql"), &root.join("pred.sql"), more)
}

fn scored(root: &Path, gold: &Path, pred: &Path, more: &[&str]) -> Result<String, String> {
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let args = ["score", "--gold", &path(gold), "--pred", &path(pred), "--data", &path(root)];
    let cli = Cli::try_parse_from(args.iter().chain(more)).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    run(&cli.score, Sandbox::in_process(&cli.score.limits()), &mut out).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_prediction_has_a_line_and_the_totals_follow() {
    let predictions =
        "SELECT name FROM t\nSELECT 'a' UNION SELECT 'b'\n\nSELECT name FROM t WHERE value > 0\nDROP TABLE t\n";
    let lines = lines(&score(predictions, &["--json"]).unwrap());
    let fields = |key: &str| lines[..5].iter().map(|line| line[key].clone()).collect::<Vec<_>>();
    assert_eq!(fields("index"), [0, 1, 2, 3, 4]);
    // The second one is right on one database only; in the fourth `value` becomes `1`.
    assert_eq!(fields("exec"), [1, 0, 0, 1, 0]);
    assert_eq!(fields("exact"), [1, 0, 0, 0, 0]);
    assert_eq!(fields("outcome"), ["rows", "rows", "empty_text", "rows", "forbidden"]);
    assert!(fields("hardness").iter().all(|hardness| hardness == "easy"));
    assert_eq!((&lines[5]["n"], &lines[5]["execution_accuracy"]), (&5.into(), &0.4.into()));
}

#[test]
fn the_official_substitution_and_the_clean_number_are_both_there() {
    let lines = lines(&score("SELECT name FROM t ORDER BY value\nSELECT name , value FROM t\n", &["--json"]).unwrap());
    assert_eq!((&lines[0]["exec"], &lines[0]["exec_clean"]), (&1.into(), &1.into()));
    let lines2 = self::lines(&score("SELECT t.name FROM t WHERE t.value IS NOT NULL\n", &["--json"]).unwrap());
    assert_eq!((&lines2[0]["exec"], &lines2[0]["exec_clean"]), (&0.into(), &1.into()), "t.1 is no name");
    assert_eq!(lines2[1]["execution_accuracy_clean"], 1.0);
}

#[test]
fn the_table_is_for_people() {
    let table = score("SELECT name FROM t\nSELECT value FROM t\n", &["--keep-distinct"]).unwrap();
    assert!(table.contains("easy  medium    hard   extra     all"), "{table}");
    assert!(table.contains("execution                0.500   0.000   0.000   0.000   0.500"), "{table}");
}

#[test]
fn bird_has_its_own_metrics() {
    let more = ["--json", "--metric", "bird", "--iterations", "2"];
    let lines = lines(&score("SELECT name FROM t GROUP BY name\nSELECT value FROM t\nnonsense\n", &more).unwrap());
    assert_eq!(lines[..3].iter().map(|l| l["exec"].clone()).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!((&lines[0]["soft_f1"], &lines[1]["soft_f1"]), (&1.0.into(), &0.0.into()));
    assert_eq!(lines[2]["outcome"], "syntax_error");
    assert!(lines[..3].iter().all(|l| l["hardness"].is_null() && l["exact"].is_null() && l["db_id"] == "d"));
    assert_eq!(lines[3]["metric"], "bird");
    assert!(lines[3]["r_ves"].as_f64().unwrap() > 0.0);
    assert!(score("SELECT name FROM t\n", &["--metric", "bird"]).unwrap().contains("EX 100.00"));
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let gold = folder.path().join("gold.sql");
    fs::write(&gold, "SELECT 1\t../d\n").unwrap();
    let error = scored(folder.path(), &gold, &gold, &[]).unwrap_err();
    assert!(error.contains("query 0") && error.contains("../d"), "{error}");
    assert!(scored(folder.path(), &folder.path().join("none"), &gold, &[]).unwrap_err().contains("none"));
}

#[test]
fn gold_against_itself_is_right() {
    let Some(root) = std::env::var_os("SQLR1_SPIDER") else {
        println!("skipped: SQLR1_SPIDER does not name a folder with Spider in it");
        return;
    };
    let root = Path::new(&root);
    let gold = root.join("dev_gold.sql");
    let text = fs::read_to_string(&gold).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pred = folder.path().join("pred.sql");
    fs::write(&pred, text.lines().map(|line| line.split('\t').next().unwrap().to_owned() + "\n").collect::<String>())
        .unwrap();
    let lines = lines(&scored(root, &gold, &pred, &["--json"]).unwrap());
    let totals = &lines[1034];
    assert_eq!((&totals["n"], &totals["gold_problems"]), (&1034.into(), &0.into()));
    assert_eq!((&totals["execution_accuracy_clean"], &totals["exact_match_clean"]), (&1.0.into(), &1.0.into()));
    let counts: Vec<_> =
        ["easy", "medium", "hard", "extra"].map(|h| totals["hardness"][h]["n"].as_u64().unwrap()).into();
    assert_eq!(counts, [248, 446, 174, 166]);
}
