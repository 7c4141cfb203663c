//! A tiny data set in BIRD's layout, made by hand.

use std::{fs, path::Path};

use rusqlite::Connection;
use serde_json::json;

/// Writes `train/` and `dev_20240627/` into a folder, as BIRD's two archives unpack.
pub fn write(root: &Path) {
    let train = root.join("train");
    database(
        &train.join("train_databases/races"),
        "CREATE TABLE race (id INTEGER PRIMARY KEY, \"race name\" TEXT, year INT);
        INSERT INTO race VALUES (1, 'Spring Cup', 2019), (2, 'Autumn Cup', 2020), (3, 'Spring Cup', 2021);",
    );
    let question = |question: &str, evidence: &str, sql: &str| json!({"db_id": "races", "question": question, "evidence": evidence, "SQL": sql});
    let questions = [
        question("How many races are there?", "", "SELECT COUNT(*) FROM race"),
        question(
            "In which years was the Spring Cup held?",
            "Spring Cup refers to `race name` = 'Spring Cup'",
            "SELECT year FROM race WHERE `race name` = 'Spring Cup'",
        ),
        question(
            "Which races were before 1900?",
            "before 1900 means year < 1900",
            "SELECT id FROM race WHERE year < 1900",
        ),
        question("Who won?", "", "SELECT winner FROM race"),
        question("When was the last race?", "last means MAX(year)", "SELECT MAX(T1.year) FROM race AS T1"),
    ];
    list(&train.join("train.json"), &questions);
    list(&train.join("train_tables.json"), &[json!({"db_id": "races"}), json!({"db_id": "other"})]);
    let dev = root.join("dev_20240627");
    database(
        &dev.join("dev_databases/schools"),
        "CREATE TABLE school (code TEXT PRIMARY KEY, \"Free Meals (K-12)\" REAL);
        CREATE TABLE score (code TEXT REFERENCES school(code), points INT);
        INSERT INTO school VALUES ('a', 0.5), ('b', 0.25); INSERT INTO score VALUES ('a', 700), ('b', 900);",
    );
    fs::create_dir_all(dev.join("dev_databases/schools/database_description")).unwrap();
    fs::write(dev.join("dev_databases/schools/database_description/school.csv"), "original_column_name\n").unwrap();
    let question = |id: usize, evidence: &str, sql: &str, difficulty: &str| {
        json!({"question_id": id, "db_id": "schools", "question": format!("Question {id}?"), "evidence": evidence, "SQL": sql,
               "difficulty": difficulty})
    };
    let questions = [
        question(
            0,
            "share of free meals = `Free Meals (K-12)`",
            "SELECT MAX(`Free Meals (K-12)`) FROM school",
            "simple",
        ),
        question(
            1,
            "",
            "SELECT T1.code FROM school AS T1 INNER JOIN score AS T2 ON T1.code = T2.code WHERE T2.points > 800",
            "moderate",
        ),
        question(2, "", "SELECT code FROM score ORDER BY points DESC LIMIT 1", "challenging"),
    ];
    list(&dev.join("dev.json"), &questions);
    list(&dev.join("dev_tables.json"), &[json!({"db_id": "schools"})]);
}

fn list(file: &Path, entries: &[serde_json::Value]) {
    fs::write(file, serde_json::to_string(entries).unwrap()).unwrap();
}

fn database(folder: &Path, sql: &str) {
    fs::create_dir_all(folder).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    Connection::open(folder.join(format!("{name}.sqlite"))).unwrap().execute_batch(sql).unwrap();
}
