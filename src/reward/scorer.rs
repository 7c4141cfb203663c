//! From a reply to its reward.

use std::{collections::BTreeMap, sync::Arc};

use rayon::prelude::*;

use super::{components::Executed, gold::GoldCache, overlap::Schemas, preview};
use crate::{
    data::Example,
    run::event::ResultPreview,
    settings::{Comparison, RewardSettings},
    sql::{
        Execution, Sandbox, Table, Tally, extract_sql, order_matters, results_equal, results_equal_loosely,
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
    execution: Execution,
    gold: Arc<Execution>,
    correct: bool,
}

impl Scorer {
    /// A scorer with an empty cache of gold results.
    pub fn new(sandbox: Sandbox, settings: RewardSettings, comparison: Comparison) -> Self {
        Self { gold: GoldCache::new(&sandbox), schemas: Schemas::default(), sandbox, settings, comparison }
    }

    /// Scores one reply.
    pub fn score(&self, example: &Example, reply: &str) -> Scored {
        let sql = extract_sql(reply);
        self.scored(example, reply, &sql, &self.run(example, &sql))
    }

    /// Scores a query as it stands, as the reply that is nothing else.
    pub fn score_sql(&self, example: &Example, sql: &str) -> Scored {
        self.scored(example, sql, sql, &self.run(example, sql))
    }

    /// Scores the replies to one question, on all threads; replies with the same SQL are executed once.
    pub fn score_group(&self, example: &Example, replies: &[String]) -> Vec<Scored> {
        let queries: Vec<String> = replies.iter().map(|reply| extract_sql(reply)).collect();
        let mut distinct: Vec<&String> = queries.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let runs: Vec<Run> = distinct.par_iter().map(|sql| self.run(example, sql)).collect();
        // `distinct` is sorted and has every query.
        let run = |sql: &String| distinct.binary_search(&sql).ok().map(|i| &runs[i]);
        let scored = replies.par_iter().zip(&queries);
        scored.filter_map(|(reply, sql)| Some(self.scored(example, reply, sql, run(sql)?))).collect()
    }

    /// What came of the queries executed so far, gold queries aside.
    pub fn tally(&self) -> Tally {
        self.sandbox.tally()
    }

    /// What the gold query returns.
    pub fn gold(&self, example: &Example) -> ResultPreview {
        preview(&self.gold_execution(example))
    }

    fn run(&self, example: &Example, sql: &str) -> Run {
        let execution = self.sandbox.run(&example.database, &self.form(sql));
        let gold = self.gold_execution(example);
        let correct = match (gold.outcome.table(), execution.outcome.table()) {
            (Some(gold), Some(predicted)) => self.equal(example, gold, predicted),
            _ => false,
        };
        Run { execution, gold, correct }
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

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "a full reward is exactly its weight")]
mod tests;
