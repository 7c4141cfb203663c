use std::{fs, path::Path};

use super::*;
use crate::{
    data::Dataset,
    settings::{DataSettings, SqlSettings},
};

fn options(out: &Path) -> SubsetOptions {
    SubsetOptions {
        root: Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo"),
        out: out.to_owned(),
        splits: Split::ALL.to_vec(),
        count: 12,
        levels: Vec::new(),
        databases: Vec::new(),
        seed: 3,
    }
}

fn run(options: &SubsetOptions) -> Result<Vec<Taken>, SubsetError> {
    subset(options, &Sandbox::in_process(&SqlSettings::default()))
}

fn load(out: &Path) -> Dataset {
    Dataset::load(&DataSettings { root: Some(out.to_owned()), ..DataSettings::default() }).unwrap()
}

#[test]
fn a_part_is_a_data_set_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/few");
    let taken = run(&options(&out)).unwrap();
    let (read, whole) = (load(&out), load(&options(&out).root));
    assert_eq!((read.train.len(), read.dev.len()), (12, 12));
    for (few, taken) in [(&read.train, &taken[0]), (&read.dev, &taken[1])] {
        let questions =
            |list: &[Example]| list.iter().map(|e| (e.question.clone(), e.gold_sql.clone())).collect::<Vec<_>>();
        assert_eq!(questions(few), questions(&taken.examples));
    }
    assert_eq!(taken[0].matching, whole.train.len());
    let databases = fs::read_dir(out.join("database")).unwrap().count();
    let used: BTreeSet<&str> = read.train.iter().chain(&read.dev).map(|e| e.db_id.as_str()).collect();
    assert_eq!(databases, used.len());
    let tables: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(out.join("tables.json")).unwrap()).unwrap();
    assert_eq!(tables.len(), used.len());
    assert!(matches!(run(&options(&out)), Err(SubsetError::NotEmpty(_))));
}

#[test]
fn seed_level_and_database_decide() {
    let folder = tempfile::tempdir().unwrap();
    let ids = |name: &str, change: fn(&mut SubsetOptions)| {
        let mut options = options(&folder.path().join(name));
        change(&mut options);
        let taken = run(&options).unwrap();
        taken[0].examples.iter().map(|e| (e.id, e.db_id.clone())).collect::<Vec<_>>()
    };
    assert_eq!(ids("a", |_| {}), ids("b", |_| {}));
    assert_ne!(ids("c", |_| {}), ids("d", |o| o.seed = 4));
    assert!(
        ids("e", |o| o.databases = vec!["shop".into(), "zoo".into()]).iter().all(|(_, db)| db == "shop" || db == "zoo")
    );
    let hard = options(&folder.path().join("f"));
    run(&SubsetOptions { levels: vec!["hard".into()], ..hard.clone() }).unwrap();
    let levels = spider_levels(&load(&hard.out).train);
    assert!(levels.iter().all(|level| level.unwrap().to_string() == "hard"), "{levels:?}");
}

#[test]
fn what_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = |name: &str, change: fn(&mut SubsetOptions)| {
        let mut options = options(&folder.path().join(name));
        change(&mut options);
        run(&options).unwrap_err().to_string()
    };
    let unknown = error("a", |o| o.databases = vec!["shpo".into()]);
    assert!(unknown.contains("`shpo`") && unknown.contains("shop"), "{unknown}");
    assert!(error("b", |o| o.levels = vec!["moderate".into()]).contains("none of the"));
    assert!(error("c", |o| o.root = "/no/where".into()).contains("train_spider.json"));
}
