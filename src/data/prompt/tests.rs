use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::{data::Dataset, settings::DataSettings};

/// A database of singers and concerts, and a table that has nothing to do with them.
fn place() -> (tempfile::TempDir, Example) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("d.sqlite");
    Connection::open(&database)
        .unwrap()
        .execute_batch(
            "CREATE TABLE weather (id INTEGER PRIMARY KEY, degrees INT);
             CREATE TABLE singer (id INTEGER PRIMARY KEY, name TEXT, \"home town\" TEXT);
             CREATE TABLE stadium (id INTEGER PRIMARY KEY, name TEXT);
             CREATE TABLE concert (id INTEGER PRIMARY KEY, singer_id INT REFERENCES singer(id), stadium_id INT REFERENCES stadium(id));
             INSERT INTO singer VALUES (1, 'Ada', 'Oslo');
             INSERT INTO stadium VALUES (1, 'Old Trafford');",
        )
        .unwrap();
    let example =
        Example { db_id: "d".into(), database, question: " Which singers are there? ".into(), ..Example::default() };
    (folder, example)
}

fn settings(template: &str) -> PromptSettings {
    PromptSettings { template: template.into(), ..PromptSettings::default() }
}

fn whole(template: &str, example: &Example) -> PromptText {
    let settings = PromptSettings { sample_values: 2, ..settings(template) };
    Prompts::new(&settings).unwrap().whole(example).unwrap()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Names of the tables that are shown within a budget of words.
fn shown(question: &str, budget: usize) -> Vec<String> {
    let (_folder, example) = place();
    let prompts = Prompts::new(&PromptSettings { max_schema_tokens: Some(budget), ..settings("plain") }).unwrap();
    let example = Example { question: question.into(), ..example };
    let text = prompts.within(&example, &|text: &str| Ok::<_, DataError>(words(text))).unwrap().user;
    text.split("CREATE TABLE ").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn evidence_reaches_every_template() {
    let (_folder, example) = place();
    for template in PromptSettings::TEMPLATES {
        let with = Example { evidence: Some("a singer is a person".into()), ..example.clone() };
        let (without, with) = (whole(template, &example), whole(template, &with));
        let all = |text: &PromptText| format!("{}{}", text.system.clone().unwrap_or_default(), text.user);
        assert!(all(&with).contains("a singer is a person"), "{template}");
        assert!(
            !all(&without).contains("a singer is a person") && all(&without).contains("Which singers"),
            "{template}"
        );
    }
}

#[test]
fn the_plain_template_is_the_one_of_the_methods() {
    let (_folder, example) = place();
    let text = Prompts::new(&PromptSettings::default()).unwrap().whole(&example).unwrap();
    assert_eq!(text.system, None);
    let (schema, rest) = text.user.split_once("\n\n").unwrap();
    assert_eq!(schema.lines().count(), 4);
    assert_eq!(rest, "-- Question: Which singers are there?\nWrite one SQLite query.");
}

#[test]
fn sql_r1_asks_for_thoughts_and_answer_in_tags() {
    let (_folder, example) = place();
    let text = whole("sql_r1", &example);
    assert_eq!(text.user, "Which singers are there?");
    let system = text.system.unwrap();
    for part in ["<think>", "</think>", "<answer>", "</answer>", "```sql", "CREATE TABLE singer", "Knowledge:\nnone"] {
        assert!(system.contains(part), "{part}: {system}");
    }
}

#[test]
fn omnisql_shows_statements_with_values() {
    let (_folder, example) = place();
    let text = whole("omnisql", &example);
    assert_eq!(text.system, None);
    let singer = "CREATE TABLE singer (\n    id INTEGER, -- example: [1]\n    name TEXT, -- example: ['Ada']\n    \
                  \"home town\" TEXT, -- example: ['Oslo']\n    PRIMARY KEY (id)\n);\n";
    assert!(text.user.contains(singer), "{}", text.user);
    let concert = "    stadium_id INT,\n    PRIMARY KEY (id),\n    FOREIGN KEY (stadium_id) REFERENCES stadium (id),\n    \
                   FOREIGN KEY (singer_id) REFERENCES singer (id)\n);\n";
    assert!(text.user.contains(concert), "{}", text.user);
    Connection::open_in_memory()
        .unwrap()
        .execute_batch(text.user.split("Schema:\n").nth(1).unwrap().split("Question:").next().unwrap())
        .expect("the schema is valid SQL");
}

#[test]
fn a_budget_keeps_what_the_question_mentions() {
    assert_eq!(shown("How many singers are there?", 1000).len(), 4, "there is room for all");
    assert_eq!(shown("How many singers are there?", 12), ["singer"]);
    assert_eq!(shown("What is the highest number of degrees?", 9), ["weather"], "by a column");
    assert_eq!(shown("Who played at old trafford?", 9), ["stadium"], "by a value");
    assert_eq!(shown("Who sings?", 1).len(), 1, "one table is shown in any case");
    assert_eq!(shown("List all singers.", 26), ["singer", "concert"], "the table that a key joins comes next");
}

#[test]
fn the_schema_is_never_longer_than_the_budget() {
    let (_folder, example) = place();
    for budget in 16..40 {
        let prompts = Prompts::new(&PromptSettings { max_schema_tokens: Some(budget), ..settings("omnisql") }).unwrap();
        let text = |example: &Example| {
            words(&prompts.within(example, &|text: &str| Ok::<_, DataError>(words(text))).unwrap().user)
        };
        let none = words(&prompts.template.render(&Schema::default(), &example).unwrap().user);
        assert!(text(&example) <= none + budget, "{budget}");
        assert_eq!(text(&example), text(&example));
    }
}

#[test]
fn own_templates_are_files_and_their_errors_say_where() {
    let (folder, example) = place();
    let file = folder.path().join("mine.jinja");
    let new = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Prompts::new(&settings(file.to_str().unwrap())).map_err(|e| e.to_string())
    };
    let prompts = new("{% set system %}Be brief.{% endset %}\n{{ question }} <{{ db_id }}>").unwrap();
    let text = prompts.whole(&example).unwrap();
    assert_eq!(text, PromptText { system: Some("Be brief.".into()), user: "Which singers are there? <d>".into() });
    for (text, line, part) in [
        ("{{ question }}\n{{ questoin }}", ":2", "undefined"),
        ("{{ question }}\n\n{% if %}", ":3", "syntax"),
        ("{% include 'other' %}{{ question }}", ":1", "include"),
        (
            "{{ question }}{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
            ":1",
            "fuel",
        ),
        ("no question", "", "never shows"),
    ] {
        let error = new(text).unwrap_err();
        assert!(error.contains(&format!("mine.jinja{line}")) && error.contains(part), "{error}");
    }
    let gone = Prompts::new(&settings("./gone.jinja")).unwrap_err().to_string();
    assert!(gone.contains("./gone.jinja") && gone.contains("cannot read"), "{gone}");
}

#[test]
fn the_template_of_the_documentation_works() {
    let docs = include_str!("../../../docs/data.md");
    let lines = docs.lines().skip_while(|line| !line.starts_with("    {% set system %}"));
    let text: Vec<&str> = lines.map_while(|line| line.strip_prefix("    ")).collect();
    let (folder, example) = place();
    let file = folder.path().join("documented.jinja");
    std::fs::write(&file, text.join("\n")).unwrap();
    let text = whole(file.to_str().unwrap(), &example);
    assert_eq!(text.system.as_deref(), Some("Answer with one SQLite query and nothing else."));
    assert!(text.user.contains("\nsinger: id, name, home town\n"), "{}", text.user);
    assert!(text.user.ends_with("\nWhich singers are there?"), "{}", text.user);
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
    let prompts = Prompts::new(&PromptSettings::default()).unwrap();
    let ours: Vec<String> = dataset.dev.iter().map(|e| prompts.whole(e).unwrap().user).collect();
    for prompt in &bench {
        let message = prompt.split("<|im_start|>user\n").nth(1).unwrap().split("<|im_end|>").next().unwrap();
        let near = || {
            let question = message.split("-- Question").nth(1).unwrap();
            ours.iter().find(|o| o.contains(question)).cloned().unwrap_or_default()
        };
        assert!(ours.iter().any(|o| o == message), "not ours:\n{message}\nbut:\n{}", near());
    }
}
