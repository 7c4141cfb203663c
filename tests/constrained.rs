//! Constrained decoding: every gold query can be written, and of what the demonstration's model writes less is nonsense.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Helpers fail as tests do.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use sqlr1_tui::{
    data::{Dataset, Example, Prompts, Split},
    evaluate::{Decode, Examinee},
    settings::{Constrain, DataSettings, PromptSettings, Settings, SqlSettings},
    sql::{
        Outcome, Sandbox, extract_sql,
        prefix::{Reply, Rules},
    },
};

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo")
}

fn questions(root: &Path, split: Split) -> Vec<Example> {
    let settings = DataSettings { root: Some(root.to_owned()), ..DataSettings::default() };
    Dataset::load_split(&settings, split).unwrap().0
}

/// Whether a reply that is this query and nothing else can be written.
fn can_be_written(sql: &str, rules: &Rules) -> bool {
    let mut reply = Reply::to("");
    sql.bytes().all(|byte| reply.push(byte, rules)) && reply.may_end(rules)
}

/// The gold queries of a data set; those that cannot be written, SQLite cannot run. Returns how many there were of each.
fn gold_queries(root: &Path) -> (usize, usize) {
    let prompts = Prompts::new(&PromptSettings::default()).unwrap();
    let sandbox = Sandbox::in_process(&SqlSettings::default());
    let (mut rules, mut all, mut refused) = (BTreeMap::new(), 0, 0);
    for question in [Split::Train, Split::Dev].into_iter().flat_map(|split| questions(root, split)) {
        let named = rules
            .entry(question.database.clone())
            .or_insert_with(|| Rules { names: Some(prompts.names(&question.database).unwrap()) });
        all += 1;
        if !can_be_written(&question.gold_sql, &Rules::default()) || !can_be_written(&question.gold_sql, named) {
            let outcome = sandbox.run(&question.database, &question.gold_sql).outcome;
            assert!(outcome.table().is_none(), "{}: {}", question.db_id, question.gold_sql);
            refused += 1;
        }
    }
    (all, refused)
}

#[test]
fn every_gold_query_of_the_demonstration_can_be_written() {
    let (all, refused) = gold_queries(&demo());
    assert_eq!((all, refused), (8540, 0));
}

#[test]
fn every_gold_query_of_spider_that_runs_can_be_written() {
    let Some(root) = std::env::var_os("SQLR1_SPIDER") else {
        println!("skipped: SQLR1_SPIDER does not name Spider's folder");
        return;
    };
    let (all, refused) = gold_queries(Path::new(&root));
    assert!(all > 8000 && refused <= 3, "{refused} of {all} are refused");
}

/// Shares of replies with bad syntax, and with names that are not there, at a temperature at which the model errs.
fn errors(constrain: Constrain, decode: Decode) -> [f64; 2] {
    let mut settings = Settings::default();
    settings.model.path = Some(demo().join("model.gguf").display().to_string());
    settings.rollout.temperature = 1.3;
    settings.rollout.max_completion_length = 128;
    settings.rollout.constrain = constrain;
    settings.run.seed = 3;
    let questions: Vec<Example> = questions(&demo(), Split::Dev).into_iter().step_by(9).collect();
    let examinee = Examinee::load(&settings, decode, None).unwrap();
    let replies = examinee.answer(&questions, &mut |_, _| ControlFlow::Continue(())).unwrap().unwrap();
    let sandbox = Sandbox::in_process(&settings.sql);
    let (mut syntax, mut names, mut all) = (0, 0, 0);
    for (question, replies) in questions.iter().zip(&replies) {
        // A reply that was cut off has no query yet.
        for reply in replies.iter().filter(|reply| reply.finished) {
            all += 1;
            match sandbox.run(&question.database, &extract_sql(&reply.text)).outcome {
                Outcome::SyntaxError(_) | Outcome::EmptyText | Outcome::SeveralStatements => syntax += 1,
                Outcome::UnknownName(_) => names += 1,
                _ => {}
            }
        }
    }
    println!("{constrain:?}: {syntax} with bad syntax, {names} with unknown names, of {all} replies");
    assert!(all * 10 >= questions.len() * decode.replies() * 9, "most replies must end: {all}");
    [syntax, names].map(|count| f64::from(count) / f64::from(all.max(1) as u32))
}

#[test]
fn constraints_keep_the_demonstrations_model_from_errors() {
    let drawn = Decode::SelfConsistency(4);
    let [off, syntax, schema] =
        [Constrain::Off, Constrain::Syntax, Constrain::Schema].map(|constrain| errors(constrain, drawn));
    assert!(off[0] > 0.02 && off[1] > 0.02, "the model must err by itself: {off:?}");
    assert!(syntax[0] < off[0] / 10.0, "{off:?} {syntax:?}");
    assert!(schema[0] < off[0] / 10.0 && schema[1] < off[1] / 10.0, "{off:?} {schema:?}");
}

#[test]
fn a_constraint_that_changes_nothing_leaves_every_token_as_it_was() {
    let text = |constrain| {
        let mut settings = Settings::default();
        settings.model.path = Some(demo().join("model.gguf").display().to_string());
        settings.rollout.constrain = constrain;
        let questions: Vec<Example> = questions(&demo(), Split::Dev).into_iter().step_by(60).collect();
        let examinee = Examinee::load(&settings, Decode::Greedy, None).unwrap();
        examinee.answer(&questions, &mut |_, _| ControlFlow::Continue(())).unwrap().unwrap()
    };
    // Greedily, the model makes no mistakes of this kind.
    assert_eq!(text(Constrain::Off), text(Constrain::Schema));
}
