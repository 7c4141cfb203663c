//! From a reply to its reward.

use std::{collections::BTreeMap, sync::Arc};

use rayon::prelude::*;

use super::{gold::GoldCache, partial_credit, preview};
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
    /// Unweighted components by name: `execution` and `partial`.
    pub components: BTreeMap<String, f64>,
    /// The weighted sum of the components.
    pub reward: f64,
    /// Whether the result equals gold's.
    pub correct: bool,
    /// What came of executing it.
    pub result: ResultPreview,
}

/// Scores replies by the plain recipe of methods.md 2.7: `execution` is 1 if the result equals gold's, and `partial`
/// gives credit for the text's overlap with the gold query where it does not.
///
/// With [`Comparison::Spider`] both queries are first brought into the form in which Spider's evaluator executes them:
/// without any `DISTINCT` and with operators joined ([`test_suite_form`]). A gold query that fails, or a database that
/// cannot be read, gives `execution` 0 to every reply.
#[derive(Debug)]
pub struct Scorer {
    sandbox: Sandbox,
    settings: RewardSettings,
    comparison: Comparison,
    gold: GoldCache,
}

impl Scorer {
    /// A scorer with an empty cache of gold results.
    pub fn new(sandbox: Sandbox, settings: RewardSettings, comparison: Comparison) -> Self {
        Self { gold: GoldCache::new(&sandbox), sandbox, settings, comparison }
    }

    /// Scores one reply.
    pub fn score(&self, example: &Example, reply: &str) -> Scored {
        self.score_sql(example, extract_sql(reply))
    }

    /// Scores the replies to one question, on all threads; replies with the same SQL are executed once.
    pub fn score_group(&self, example: &Example, replies: &[String]) -> Vec<Scored> {
        let queries: Vec<String> = replies.iter().map(|reply| extract_sql(reply)).collect();
        let mut distinct = queries.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let scored: Vec<Scored> = distinct.par_iter().map(|sql| self.score_sql(example, sql.clone())).collect();
        // `distinct` is sorted and has every query.
        queries.iter().filter_map(|sql| distinct.binary_search(sql).ok()).map(|i| scored[i].clone()).collect()
    }

    /// What came of the queries executed so far, gold queries aside.
    pub fn tally(&self) -> Tally {
        self.sandbox.tally()
    }

    /// What the gold query returns.
    pub fn gold(&self, example: &Example) -> ResultPreview {
        preview(&self.gold_execution(example))
    }

    /// Scores a query as it stands.
    pub fn score_sql(&self, example: &Example, sql: String) -> Scored {
        let execution = self.sandbox.run(&example.database, &self.form(&sql));
        let gold = self.gold_execution(example);
        let correct = match (gold.outcome.table(), execution.outcome.table()) {
            (Some(gold), Some(predicted)) => self.equal(example, gold, predicted),
            _ => false,
        };
        let partial = if correct { 0.0 } else { partial_credit(&example.gold_sql, &sql) };
        let execution_match = f64::from(u8::from(correct));
        Scored {
            components: [("execution", execution_match), ("partial", partial)]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            reward: self.settings.execution * execution_match + self.settings.partial * partial,
            correct,
            result: preview(&execution),
            sql,
        }
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
