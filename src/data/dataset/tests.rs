use std::{fs, path::Path};

use super::*;
use crate::settings::SqlSettings;

/// A data folder with one database and questions on it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(train: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("database/d");
        fs::create_dir_all(&place).unwrap();
        let connection = rusqlite::Connection::open(place.join("d.sqlite")).unwrap();
        connection.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
        fs::write(folder.path().join("train_spider.json"), train).unwrap();
        fs::write(folder.path().join("dev.json"), entries(&["SELECT a FROM t WHERE a = 7"])).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn settings(&self) -> DataSettings {
        DataSettings { root: Some(self.path().to_owned()), ..DataSettings::default() }
    }

    fn error(&self) -> String {
        Dataset::load(&self.settings()).unwrap_err().to_string()
    }
}

fn entries(queries: &[&str]) -> String {
    let list: Vec<_> =
        queries.iter().map(|q| serde_json::json!({"db_id": "d", "question": "?", "query": q, "sql": {}})).collect();
    serde_json::to_string(&list).unwrap()
}

fn check(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn questions_are_read_in_order() {
    let folder = Folder::new(&entries(&["SELECT 1", "SELECT 2", "SELECT 3"]));
    let dataset = Dataset::load(&DataSettings { limit: Some(2), ..folder.settings() }).unwrap();
    assert_eq!(dataset.train.iter().map(|e| e.gold_sql.as_str()).collect::<Vec<_>>(), ["SELECT 1", "SELECT 2"]);
    assert_eq!(dataset.train[1].id, 1);
    assert_eq!(dataset.train[0].database, folder.path().join("database/d/d.sqlite"));
    assert_eq!(dataset.dev.len(), 1);
}

#[test]
fn broken_files_are_named_with_place_and_remedy() {
    check(&Folder::new("[{]").error(), &["train_spider.json", "entry 0", "line 1", "unpack"]);
    check(&Folder::new("{}").error(), &["train_spider.json", "a list of questions"]);
    check(&Folder::new("[]").error(), &["train_spider.json", "no questions"]);
    let second = r#"[{"db_id": "d", "question": "?", "query": "SELECT 1"}, {"db_id": "d", "question": "?"}]"#;
    check(&Folder::new(second).error(), &["entry 1", "missing field `query`"]);
    let folder = Folder::new("[]");
    fs::remove_file(folder.path().join("train_spider.json")).unwrap();
    check(&folder.error(), &["train_spider.json", "data.train_file"]);
    let none = Dataset::load(&DataSettings::default()).unwrap_err().to_string();
    check(&none, &["--data DIR"]);
}

#[test]
fn database_names_must_not_lead_elsewhere() {
    for name in ["../d", "..", ".", "", "d/e", "/etc", "d\\e", "d\0", "./d", "d/"] {
        let train = serde_json::json!([{"db_id": name, "question": "?", "query": "SELECT 1"}]);
        let error = Folder::new(&train.to_string()).error();
        check(&error, &["train_spider.json", "entry 0", "no plain folder name"]);
    }
}

#[test]
fn missing_databases_are_counted() {
    let train = r#"[{"db_id": "d", "question": "?", "query": ""}, {"db_id": "b", "question": "?", "query": ""},
                    {"db_id": "a", "question": "?", "query": ""}]"#;
    check(&Folder::new(train).error(), &["entry 1", "b.sqlite", "2 of 3", "unpack"]);
}

#[test]
fn bad_entries_can_be_left_out_and_are_told() {
    let train = r#"[{"db_id": "d", "question": "?", "query": "SELECT 1"}, {"db_id": "gone", "question": "?", "query": ""},
                    {"db_id": "d", "question": 5, "query": ""}, {"db_id": "d", "question": "?", "query": "SELECT 2"}, {"#;
    let folder = Folder::new(train);
    check(&folder.error(), &["entry 1", "`gone`", "3 of 4", "--skip-bad"]);
    let dataset = Dataset::load(&DataSettings { skip_bad: true, ..folder.settings() }).unwrap();
    assert_eq!(dataset.train.iter().map(|e| e.id).collect::<Vec<_>>(), [0, 3], "ids stay those of the file");
    let told = dataset.skipped.join("\n");
    check(
        &told,
        &["3 of 4 train entries", "entry 1: there is no database", "entry 2: `question` is 5", "entry 4", "line 2"],
    );
    fs::write(folder.path().join("dev.json"), "no list").unwrap();
    let dataset = Dataset::load(&DataSettings { skip_bad: true, ..folder.settings() }).unwrap();
    assert!(dataset.dev.is_empty());
    check(&dataset.skipped.join("\n"), &["no held-out questions", "dev.json"]);
}

#[test]
fn other_training_questions_continue_the_first() {
    let folder = Folder::new(&entries(&["SELECT 1", "SELECT 2"]));
    fs::write(folder.path().join("train_others.json"), entries(&["SELECT 3"])).unwrap();
    let dataset = Dataset::load(&folder.settings()).unwrap();
    let found: Vec<_> = dataset.train.iter().map(|e| (e.id, e.gold_sql.as_str())).collect();
    assert_eq!(found, [(0, "SELECT 1"), (1, "SELECT 2"), (2, "SELECT 3")]);
    fs::write(folder.path().join("train_others.json"), "[1]").unwrap();
    check(&folder.error(), &["train_others.json, entry 0"]);
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let folder = Folder::new(&entries(&["SELECT 1"]));
    fs::write(folder.path().join("database/d/d.sqlite"), "<html>not found</html>").unwrap();
    check(&folder.error(), &["d.sqlite", "no SQLite database"]);
}

#[test]
fn useless_gold_queries_are_left_out_and_reported() {
    let queries = ["SELECT z FROM t", "SELECT a FROM t", "SELECT a FROM t WHERE a = 2", "SELECT 4", "SELECT 5"];
    let folder = Folder::new(&entries(&queries));
    let sandbox = Sandbox::in_process(&SqlSettings::default());
    let load = |change: fn(&mut DataSettings)| {
        let mut settings = folder.settings();
        change(&mut settings);
        Dataset::load_checked(&settings, &sandbox)
    };
    let ids = |dataset: &Dataset| dataset.train.iter().map(|e| e.id).collect::<Vec<_>>();
    let (dataset, report) = load(|_| {}).unwrap();
    assert_eq!(ids(&dataset), [1, 3, 4]);
    assert_eq!((report.checked, report.dropped(), &report.empty[..]), (5, 2, &[2][..]));
    check(&report.failed[0].1, &["unknown_name: no such column: z"]);
    assert_eq!(dataset.dev.len(), 1, "held-out questions are all kept");
    assert_eq!(ids(&load(|s| s.limit = Some(2)).unwrap().0), [1, 3]);
    assert_eq!(ids(&load(|s| s.check_gold = false).unwrap().0), [0, 1, 2, 3, 4]);
    let useless = Folder::new(&entries(&["SELECT z FROM t"]));
    let error = Dataset::load_checked(&useless.settings(), &sandbox).unwrap_err().to_string();
    check(&error, &["no training question is left", "1 have gold queries that fail", "data.check_gold"]);
}

#[test]
fn spider_is_read_whole() {
    let Some(root) = std::env::var_os("SQLR1_SPIDER") else {
        println!("skipped: SQLR1_SPIDER does not name a folder with Spider in it");
        return;
    };
    let settings = DataSettings { root: Some(root.into()), ..DataSettings::default() };
    let start = std::time::Instant::now();
    let (dataset, report) = Dataset::load_checked(&settings, &Sandbox::in_process(&SqlSettings::default())).unwrap();
    println!("{} gold queries checked in {:?}: {:?}", report.checked, start.elapsed(), report.failed);
    assert_eq!(dataset.dev.len(), 1034);
    assert_eq!(report.checked, 7000);
    // As the data's PROVENANCE.md says.
    assert_eq!(report.failed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3153, 4513, 4514]);
    assert_eq!(report.empty.len(), 266);
    assert_eq!(dataset.train.len(), 7000 - 269);
}
