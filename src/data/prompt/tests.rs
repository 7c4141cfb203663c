use super::*;
use crate::{data::Dataset, settings::DataSettings};

#[test]
fn tables_are_shown_with_types_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("d.sqlite");
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE b (x INT PRIMARY KEY, \"y z\" varchar(3) NOT NULL, w, UNIQUE (x, w));
             CREATE TABLE a (i INTEGER PRIMARY KEY AUTOINCREMENT, j INT, k REFERENCES b,
                             FOREIGN KEY (i, j) REFERENCES b(x, w));
             CREATE VIEW v AS SELECT 1;",
        )
        .unwrap();
    assert_eq!(
        user_message(&schema_text(&database).unwrap(), " How many? "),
        "CREATE TABLE b (x INT, y z varchar(3), w);\n\
         CREATE TABLE a (i INTEGER, j INT, k, FOREIGN KEY (i, j) REFERENCES b(x, w), FOREIGN KEY (k) REFERENCES b);\n\n\
         -- Question: How many?\nWrite one SQLite query."
    );
    let error = schema_text(&folder.path().join("none.sqlite")).unwrap_err().to_string();
    assert!(error.contains("none.sqlite"), "{error}");
}

#[test]
fn prompts_are_those_of_the_benchmark() {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bench/prompts.json");
    let bench = std::env::var_os("SQLR1_BENCH").map_or(bench, |dir| Path::new(&dir).join("prompts.json"));
    let (Some(root), Ok(bench)) = (std::env::var_os("SQLR1_SPIDER"), std::fs::read(bench)) else {
        println!("skipped: needs SQLR1_SPIDER and the benchmark's prompts.json");
        return;
    };
    let bench: Vec<String> = serde_json::from_slice(&bench).unwrap();
    let dataset = Dataset::load(&DataSettings { root: Some(root.into()), ..DataSettings::default() }).unwrap();
    let prompts = Prompts::default();
    let ours: Vec<String> = dataset.dev.iter().map(|e| prompts.user_message(e).unwrap()).collect();
    for prompt in &bench {
        let message = prompt.split("<|im_start|>user\n").nth(1).unwrap().split("<|im_end|>").next().unwrap();
        let near = || {
            let question = message.split("-- Question").nth(1).unwrap();
            ours.iter().find(|o| o.contains(question)).cloned().unwrap_or_default()
        };
        assert!(ours.iter().any(|o| o == message), "not ours:\n{message}\nbut:\n{}", near());
    }
}
