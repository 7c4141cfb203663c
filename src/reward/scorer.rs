//! From a reply to its reward.

use std::{cmp::Reverse, collections::BTreeMap, path::Path, sync::Arc};

use rayon::prelude::*;

use super::{components::Executed, gold::GoldCache, overlap::Schemas, preview};
use crate::{
    data::Example,
    run::event::ResultPreview,
    settings::{Comparison, RewardSettings},
    sql::{
        AT_ONCE, Execution, Sandbox, Table, Tally, extract_sql, order_matters, results_equal, results_equal_loosely,
        test_suite_form,
    },
};

/// A reply's judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The SQL taken out of the reply; empty if there is none.
    pub sql: String,
    /// Unweighted components by name; those without weight are left out.
    pub components: BTreeMap<String, f64>,
    /// The weighted sum of the components.
    pub reward: f64,
    /// Whether the result equals gold's.
    pub correct: bool,
    /// What came of executing it.
    pub result: ResultPreview,
}

/// Scores replies by the components and weights of the settings (docs/rewards.md).
///
/// With [`Comparison::Spider`] both queries are first brought into the form in which Spider's evaluator executes them:
/// without any `DISTINCT` and with operators joined ([`test_suite_form`]). A gold query that fails, or a database that
/// cannot be read, gives `execution` to no reply.
#[derive(Debug)]
pub struct Scorer {
    sandbox: Sandbox,
    settings: RewardSettings,
    comparison: Comparison,
    gold: GoldCache,
    schemas: Schemas,
}

/// A query's execution and what it means.
struct Run {
    execution: Arc<Execution>,
    gold: Arc<Execution>,
    correct: bool,
}

/// A query out of a reply to a question.
struct Asked<'a> {
    example: &'a Example,
    reply: &'a str,
    sql: &'a str,
}

impl<'a> Asked<'a> {
    /// What its execution and judgement hang on.
    fn key(&self) -> (&'a Path, &'a str, &'a str) {
        (&self.example.database, &self.example.gold_sql, self.sql)
    }
}

impl Scorer {
    /// A scorer with an empty cache of gold results.
    pub fn new(sandbox: Sandbox, settings: RewardSettings, comparison: Comparison) -> Self {
        Self { gold: GoldCache::new(&sandbox), schemas: Schemas::default(), sandbox, settings, comparison }
    }

    /// Scores one reply.
    pub fn score(&self, example: &Example, reply: &str) -> Scored {
        let sql = extract_sql(reply);
        self.scored(example, reply, &sql, &self.run(&[(example, &sql)])[0])
    }

    /// Scores the replies to one question, see [`Scorer::score_all`].
    pub fn score_group(&self, example: &Example, replies: &[String]) -> Vec<Scored> {
        let asked: Vec<_> = replies.iter().map(|reply| (example, reply.as_str())).collect();
        self.score_all(&asked)
    }

    /// Scores replies, each to its question, on all threads. Where replies to a question have the same SQL, it is
    /// executed once.
    pub fn score_all(&self, asked: &[(&Example, &str)]) -> Vec<Scored> {
        let queries: Vec<String> = asked.par_iter().map(|(_, reply)| extract_sql(reply)).collect();
        let asked = asked.iter().zip(&queries).map(|(&(example, reply), sql)| Asked { example, reply, sql });
        self.judged(&asked.collect::<Vec<_>>())
    }

    /// Scores queries as they stand, as the replies that are nothing else. Otherwise as [`Scorer::score_all`].
    pub fn score_queries(&self, queries: &[(&Example, &str)]) -> Vec<Scored> {
        let asked: Vec<_> = queries.iter().map(|&(example, sql)| Asked { example, reply: sql, sql }).collect();
        self.judged(&asked)
    }

    /// Replaces the weights.
    pub fn weigh(&mut self, settings: RewardSettings) {
        self.settings = settings;
    }

    /// The SQL of a reply to a question without a gold query, and what came of executing it.
    pub fn execute(&self, example: &Example, reply: &str) -> (String, ResultPreview) {
        let sql = extract_sql(reply);
        let execution = self.sandbox.run(&example.database, &self.form(&sql));
        (sql, preview(&execution))
    }

    /// What came of the queries executed so far, gold queries aside.
    pub fn tally(&self) -> Tally {
        self.sandbox.tally()
    }

    /// What the gold query returns.
    pub fn gold(&self, example: &Example) -> ResultPreview {
        preview(&self.gold_execution(example))
    }

    fn judged(&self, asked: &[Asked<'_>]) -> Vec<Scored> {
        let mut order: Vec<usize> = (0..asked.len()).collect();
        order.sort_by(|&a, &b| asked[a].key().cmp(&asked[b].key()));
        // Each distinct query with those who asked it, in the order of databases.
        let distinct: Vec<&[usize]> = order.chunk_by(|&a, &b| asked[a].key() == asked[b].key()).collect();
        let at_once = distinct.len().div_ceil(2 * rayon::current_num_threads()).clamp(1, AT_ONCE);
        let mut portions: Vec<&[&[usize]]> = distinct.chunks(at_once).collect();
        // What may take long comes first, so that no thread is left with it at the end.
        let size = |portion: &&[&[usize]]| file_size(&asked[portion[0][0]].example.database);
        portions.sort_by_cached_key(|portion| Reverse(size(portion)));
        let judge = |portion: &[&[usize]]| {
            let queries: Vec<_> =
                portion.iter().map(|askers| (asked[askers[0]].example, asked[askers[0]].sql)).collect();
            let runs = self.run(&queries);
            let scored = |&i: &usize, run: &Run| (i, self.scored(asked[i].example, asked[i].reply, asked[i].sql, run));
            portion
                .iter()
                .zip(&runs)
                .flat_map(|(askers, run)| askers.iter().map(|i| scored(i, run)))
                .collect::<Vec<_>>()
        };
        let mut scored: Vec<_> = portions.into_iter().par_bridge().flat_map_iter(judge).collect();
        scored.sort_unstable_by_key(|&(index, _)| index);
        scored.into_iter().map(|(_, scored)| scored).collect()
    }

    fn run(&self, queries: &[(&Example, &str)]) -> Vec<Run> {
        let forms: Vec<String> = queries.iter().map(|(_, sql)| self.form(sql)).collect();
        let requests: Vec<_> = queries.iter().zip(&forms).map(|((e, _), sql)| (&*e.database, sql.as_str())).collect();
        let executions = self.sandbox.run_all(&requests);
        let run = |((execution, form), &(example, _)): ((Execution, &String), &(&Example, &str))| {
            let (execution, gold_form) = (Arc::new(execution), self.form(&example.gold_sql));
            // What failed here may have failed for want of the time that gold queries are given.
            let is_gold = *form == gold_form && execution.outcome.table().is_some();
            let gold = if is_gold {
                self.gold.learn(example, &gold_form, &execution)
            } else {
                self.gold.get(example, &gold_form)
            };
            let correct = match (gold.outcome.table(), execution.outcome.table()) {
                (Some(gold), Some(predicted)) => self.equal(example, gold, predicted),
                _ => false,
            };
            Run { execution, gold, correct }
        };
        executions.into_iter().zip(&forms).zip(queries).map(run).collect()
    }

    fn scored(&self, example: &Example, reply: &str, sql: &str, run: &Run) -> Scored {
        let (gold, result) = (run.gold.outcome.table(), run.execution.outcome.table());
        let executed = Executed { example, sql, gold, result, correct: run.correct };
        let penalties = self.settings.preset.has_penalties();
        let (mut components, mut reward) = (BTreeMap::new(), 0.0);
        for (component, weight) in self.settings.components() {
            let value = executed.value(component, reply, &self.schemas, penalties);
            reward += weight * value;
            components.insert(component.name().to_owned(), value);
        }
        Scored { sql: sql.to_owned(), components, reward, correct: run.correct, result: preview(&run.execution) }
    }

    fn equal(&self, example: &Example, gold: &Table, predicted: &Table) -> bool {
        match self.comparison {
            Comparison::Spider => results_equal(gold, predicted, order_matters(&self.form(&example.gold_sql))),
            Comparison::Loose => results_equal_loosely(gold, predicted),
        }
    }

    fn gold_execution(&self, example: &Example) -> Arc<Execution> {
        self.gold.get(example, &self.form(&example.gold_sql))
    }

    fn form(&self, sql: &str) -> String {
        match self.comparison {
            Comparison::Spider => test_suite_form(sql, false),
            Comparison::Loose => sql.to_owned(),
        }
    }
}

/// Bytes of a file; 0 if there is none, as will be told when it is opened.
fn file_size(path: &Path) -> u64 {
    path.metadata().map_or(0, |data| data.len())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "a full reward is exactly its weight")]
mod tests;
