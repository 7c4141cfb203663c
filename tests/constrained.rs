//! Constrained decoding: every gold query can be written, and of what the demonstration's model writes less is nonsense.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // Helpers fail as tests do.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use sqlr1_tui::{
    data::{Dataset, Example, Prompts, Split},
    evaluate::{self, Decode, Examinee},
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

/// Of all replies, the shares with bad syntax, with names that are not there, and of those that came to an end, at a temperature at which
/// the model errs.
fn shares(constrain: Constrain) -> [f64; 3] {
    let mut settings = settings(constrain);
    settings.rollout.temperature = 1.3;
    settings.rollout.max_completion_length = 128;
    settings.run.seed = 3;
    let questions: Vec<Example> = questions(&demo(), Split::Dev).into_iter().step_by(9).collect();
    let examinee = Examinee::load(&settings, Decode::SelfConsistency(4), None).unwrap();
    let sandbox = Sandbox::in_process(&settings.sql);
    let replies = examinee.answer(&questions, &sandbox, &mut |_, _| ControlFlow::Continue(())).unwrap().unwrap();
    let [mut syntax, mut names, mut ended, mut all] = [0.0; 4];
    for (question, reply) in questions.iter().zip(&replies).flat_map(|(q, replies)| replies.iter().map(move |r| (q, r)))
    {
        all += 1.0;
        // A reply that was cut off has no query yet.
        if reply.finished {
            ended += 1.0;
            match sandbox.run(&question.database, &extract_sql(&reply.text)).outcome {
                Outcome::SyntaxError(_) | Outcome::EmptyText | Outcome::SeveralStatements => syntax += 1.0,
                Outcome::UnknownName(_) => names += 1.0,
                _ => {}
            }
        }
    }
    println!("{constrain:?}: {syntax} with bad syntax, {names} with unknown names, {ended} of {all} ended");
    [syntax / all, names / all, ended / all]
}

fn settings(constrain: Constrain) -> Settings {
    let mut settings = Settings::default();
    settings.model.path = Some(demo().join("model.gguf").display().to_string());
    settings.rollout.constrain = constrain;
    settings
}

#[test]
fn constraints_keep_the_demonstrations_model_from_errors() {
    let [off, syntax, schema] = [Constrain::Off, Constrain::Syntax, Constrain::Schema].map(shares);
    assert!(off[0] > 0.05 && off[1] > 0.05, "the model must err by itself: {off:?}");
    assert!(syntax[0] < off[0] / 5.0, "{off:?} {syntax:?}");
    assert!(schema[0] < off[0] / 5.0 && schema[1] < off[1] / 5.0, "{off:?} {schema:?}");
    assert!(syntax[2] > 0.9 && schema[2] > 0.7, "most replies must come to an end: {syntax:?} {schema:?}");
}

#[test]
fn what_nothing_is_refused_of_is_written_as_without_a_constraint() {
    let questions: Vec<Example> = questions(&demo(), Split::Dev).into_iter().step_by(30).collect();
    let prompts = Prompts::new(&PromptSettings::default()).unwrap();
    let answer = |constrain| {
        let examinee = Examinee::load(&settings(constrain), Decode::Sample, None).unwrap();
        let sandbox = Sandbox::in_process(&SqlSettings::default());
        examinee.answer(&questions, &sandbox, &mut |_, _| ControlFlow::Continue(())).unwrap().unwrap()
    };
    let (mut same, mut others) = (0, 0);
    for ((question, free), held) in questions.iter().zip(answer(Constrain::Off)).zip(answer(Constrain::Schema)) {
        let rules = Rules { names: Some(prompts.names(&question.database).unwrap()) };
        if can_be_written(&free[0].text, &rules) {
            assert_eq!(free, held);
            same += 1;
        } else {
            others += 1;
        }
    }
    assert!(same >= 10, "{same} replies could be written as they are, {others} could not");
}

#[test]
fn beam_search_keeps_to_the_constraint() {
    let sandbox = Sandbox::in_process(&SqlSettings::default());
    let erring = |questions: &[Example], constrain, decode| -> Vec<Example> {
        let examinee = Examinee::load(&settings(constrain), decode, None).unwrap();
        let replies = examinee.answer(questions, &sandbox, &mut |_, _| ControlFlow::Continue(())).unwrap().unwrap();
        let ended = questions.iter().zip(&replies).filter(|(_, replies)| replies[0].finished);
        let errs = |(question, replies): &(&Example, &Vec<evaluate::Reply>)| {
            let found = sandbox.run(&question.database, &extract_sql(&replies[0].text)).outcome;
            matches!(found, Outcome::SyntaxError(_) | Outcome::UnknownName(_))
        };
        ended.filter(errs).map(|(question, _)| question.clone()).collect()
    };
    let some: Vec<Example> = questions(&demo(), Split::Dev).into_iter().step_by(3).collect();
    let mut hard = erring(&some, Constrain::Off, Decode::Greedy);
    hard.truncate(10);
    let free = erring(&hard, Constrain::Off, Decode::Beam(3));
    assert!(free.len() >= 2, "the model must err by itself, with beams too: {} of {}", free.len(), hard.len());
    assert_eq!(erring(&hard, Constrain::Schema, Decode::Beam(3)), []);
}
