use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::{
    data::{Dataset, check_gold, schema::read_schema},
    settings::{DataSettings, SqlSettings},
    sql::{
        Sandbox,
        official::{ExecutionOptions, Hardness, Judge},
    },
};

fn small(seed: u64) -> Generated {
    generate(&GenerateOptions { seed, train: 220, dev: 120, slips: 0 }).unwrap()
}

fn all(data: &Generated) -> impl Iterator<Item = &Entry> {
    data.train.iter().chain(&data.dev)
}

/// Words and numbers of a query that must come from the question: texts without wildcards, numbers without aliases.
fn literals(sql: &str) -> Vec<String> {
    let literal = Regex::new(r"'%?([^'%]*)%?'|\b(\d+(?:\.\d+)?)\b").unwrap();
    let sql = sql.replace("LIMIT 1", "");
    let found = literal.captures_iter(&sql);
    found.map(|c| c.get(1).or_else(|| c.get(2)).unwrap().as_str().to_owned()).collect()
}

#[test]
fn literals_are_found() {
    let sql = "SELECT T1.a FROM b AS T1 WHERE c = 'd e' AND f LIKE '%g%' AND h > 1.5 AND i BETWEEN 2 AND 30 LIMIT 1";
    assert_eq!(literals(sql), ["d e", "g", "1.5", "2", "30"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splits_share_no_query_and_one_database_is_held_out(seed: u64) {
        let data = small(seed);
        let queries = |entries: &[Entry]| entries.iter().map(|e| (e.db_id, e.query.to_lowercase())).collect::<BTreeSet<_>>();
        let (train, dev) = (queries(&data.train), queries(&data.dev));
        prop_assert!(train.is_disjoint(&dev));
        prop_assert_eq!(dev.len(), 120, "each held-out query stands once");
        let held_out = *data.databases().last().unwrap();
        prop_assert!(dev.iter().any(|(db, _)| *db == held_out));
        prop_assert!(train.iter().all(|(db, _)| *db != held_out));
        for database in data.databases() {
            prop_assert!(database == held_out || train.iter().any(|(db, _)| *db == database), "{database}");
        }
    }

    #[test]
    fn questions_hold_what_their_queries_need(seed: u64) {
        let data = small(seed);
        let mut meanings = BTreeMap::new();
        for entry in all(&data) {
            for literal in literals(&entry.query) {
                prop_assert!(entry.question.contains(&literal), "{literal} is not asked for: {entry:?}");
            }
            let before = meanings.insert((entry.db_id, entry.question.to_lowercase()), &entry.query);
            prop_assert_eq!(before, None, "two queries or entries for: {}", &entry.question);
            prop_assert!(!entry.question.contains(['{', '}', '#', '^']), "{}", &entry.question);
            prop_assert!(!entry.question.contains("  "), "{}", &entry.question);
        }
    }

    #[test]
    fn levels_have_their_shares(seed: u64) {
        let data = small(seed);
        for entries in [&data.train, &data.dev] {
            for (level, share) in SHARES {
                let found = entries.iter().filter(|e| e.level == level).count() as f64 / entries.len() as f64;
                prop_assert!((found - share as f64 / 1034.0).abs() < 0.01, "{level:?}: {found}");
            }
        }
    }
}

#[test]
fn what_is_written_is_read_back_and_every_query_answers() {
    let folder = tempfile::tempdir().unwrap();
    let data = small(7);
    data.write(folder.path(), false).unwrap();
    let settings = DataSettings { root: Some(folder.path().into()), ..DataSettings::default() };
    let dataset = Dataset::load(&settings).unwrap();
    for (read, made) in [(&dataset.train, &data.train), (&dataset.dev, &data.dev)] {
        assert_eq!(read.len(), made.len());
        for (read, made) in read.iter().zip(made) {
            assert_eq!((&*read.db_id, &read.gold_sql, &read.question), (made.db_id, &made.query, &made.question));
        }
        let report = check_gold(read, &Sandbox::in_process(&SqlSettings::default()));
        assert_eq!((report.checked, report.dropped()), (read.len(), 0), "{report:?}");
    }
}

#[test]
fn the_official_evaluator_understands_every_query_and_finds_it_as_hard_as_meant() {
    let folder = tempfile::tempdir().unwrap();
    let data = small(8);
    data.write(folder.path(), false).unwrap();
    let sandbox = Sandbox::in_process(&SqlSettings::default());
    let judge = Judge::new(folder.path(), sandbox, ExecutionOptions::default()).unwrap();
    for entry in all(&data) {
        let verdict = judge.verdict(entry.db_id, &entry.query, &entry.query);
        assert_eq!(verdict.hardness, Some(entry.level), "{entry:?}");
        assert!(verdict.official.exec && verdict.official.exact, "{verdict:?}: {entry:?}");
    }
}

#[test]
fn databases_are_small_and_hold_together() {
    let folder = tempfile::tempdir().unwrap();
    let data = small(9);
    data.write(folder.path(), false).unwrap();
    for world in &data.worlds {
        let name = world.schema.name;
        let database = folder.path().join(format!("database/{name}/{name}.sqlite"));
        let schema = read_schema(&database).unwrap().text();
        assert!(schema.len() < 450, "{} characters:\n{schema}", schema.len());
        for (spec, rows) in world.schema.tables.iter().zip(&world.rows) {
            assert_eq!(rows.len(), spec.rows, "{name}.{}", spec.name);
        }
        let connection = rusqlite::Connection::open(&database).unwrap();
        let broken: i64 =
            connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0, "{name} refers to rows that are not there");
    }
}

#[test]
fn tables_are_described_as_spider_does() {
    let entry = write::tables_entry(SCHEMAS[0]);
    let names = entry["column_names_original"].as_array().unwrap();
    let index = |table: u64, column: &str| {
        names.iter().position(|name| name[0].as_u64() == Some(table) && name[1] == column).unwrap()
    };
    assert_eq!(names[0], serde_json::json!([-1, "*"]));
    assert_eq!(entry["column_types"].as_array().unwrap().len(), names.len());
    assert_eq!(entry["column_names"][index(1, "singer_id")][1], "singer id");
    assert_eq!(entry["foreign_keys"], serde_json::json!([[index(1, "singer_id"), index(0, "id")]]));
    assert_eq!(entry["primary_keys"], serde_json::json!([index(0, "id"), index(1, "id")]));
    let keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    let spider = ["column_names", "column_names_original", "column_types", "db_id", "foreign_keys", "primary_keys"];
    assert_eq!(keys, [&spider[..], &["table_names", "table_names_original"]].concat());
}

#[test]
fn every_shape_has_sound_queries_on_several_databases_and_all_its_ways_of_asking() {
    let worlds: Vec<World> = SCHEMAS.iter().map(|schema| World::new(schema, &mut Draw::new(3, 0)).unwrap()).collect();
    let mut draw = Draw::new(3, 1);
    for shape in SHARES.iter().flat_map(|(level, _)| shapes::shapes(*level)) {
        let mut sound = BTreeSet::new();
        let enough = if shape.scope == shapes::Scope::Bridge { 2 } else { 4 };
        for _ in 0..400 {
            let world = draw.pick(&worlds).unwrap();
            let Some(binding) = bind::Binding::new(shape, world, &mut draw).unwrap() else { continue };
            let sql = template::query(&binding, None).unwrap();
            if !foils::is_sound(&binding, &sql, world).unwrap() {
                continue;
            }
            for ask in shape.asks {
                let question = phrase::say(&binding, ask, &mut draw).unwrap();
                assert!(question.ends_with(['.', '?']), "{question}");
            }
            sound.insert(world.schema.name);
            if sound.len() >= enough {
                break;
            }
        }
        assert!(sound.len() >= enough, "sound only on {sound:?}: {}", shape.sql);
    }
}

#[test]
fn foils_are_told_apart() {
    let world = World::new(SCHEMAS[0], &mut Draw::new(5, 0)).unwrap();
    let mut draw = Draw::new(5, 1);
    // A condition that all rows meet changes nothing, so it must not be asked for.
    let shape = shapes::shapes(Hardness::Easy).iter().find(|s| s.sql.contains("count(*) FROM {t} WHERE")).unwrap();
    let mut binding = loop {
        let binding = bind::Binding::new(shape, &world, &mut draw).unwrap().unwrap();
        if foils::is_sound(&binding, &template::query(&binding, None).unwrap(), &world).unwrap() {
            break binding;
        }
    };
    let condition = binding.conditions.get_mut(&("t", "cond")).unwrap();
    condition.test = condition::Test::Not("nowhere at all".into());
    let sql = "SELECT count(*) FROM singer WHERE name != 'nowhere at all'";
    assert!(!foils::is_sound(&binding, sql, &world).unwrap());
    // Ties leave the order open.
    let tied = "SELECT name FROM singer ORDER BY age < 1000 DESC LIMIT 1";
    assert!(!foils::is_sound(&binding, tied, &world).unwrap());
}

#[test]
fn one_seed_gives_one_result_and_another_seed_another() {
    let bytes = |seed| {
        let folder = tempfile::tempdir().unwrap();
        small(seed).write(folder.path(), false).unwrap();
        let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        [file("train_spider.json"), file("dev.json"), file("database/zoo/zoo.sqlite")]
    };
    let (first, second, other) = (bytes(11), bytes(11), bytes(12));
    assert!(first == second);
    for (one, another) in first.iter().zip(&other) {
        assert!(one != another);
    }
}

#[test]
fn files_are_not_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let data = generate(&GenerateOptions { seed: 1, train: 12, dev: 12, slips: 0 }).unwrap();
    std::fs::write(folder.path().join("README.md"), "mine").unwrap();
    let error = data.write(folder.path(), false).unwrap_err().to_string();
    assert!(error.contains("--overwrite"), "{error}");
    data.write(folder.path(), true).unwrap();
    data.write(folder.path(), true).unwrap();
    assert_eq!(std::fs::read(folder.path().join("README.md")).unwrap(), b"mine");
    let file = folder.path().join("README.md");
    let error = data.write(&file, true).unwrap_err().to_string();
    assert!(error.contains("README.md"), "{error}");
}

#[test]
fn too_many_questions_are_an_error_with_a_remedy() {
    let error = generate(&GenerateOptions { seed: 1, train: 10, dev: 0, slips: 0 }).unwrap_err().to_string();
    assert!(error.contains("--dev"), "{error}");
}
