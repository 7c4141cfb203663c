//! What each component of the reward is worth for a reply, before its weight.

use super::{
    layout::{Layout, length_term, tag_share},
    overlap::{Schemas, ngram_overlap, schema_overlap},
    partial_credit,
};
use crate::{
    data::Example,
    settings::RewardComponent,
    sql::{CellOverlap, Table, cell_overlap},
};

/// What is known of a query once it is executed.
#[derive(Debug, Clone, Copy)]
pub struct Executed<'e> {
    /// The question.
    pub example: &'e Example,
    /// The query taken out of the reply.
    pub sql: &'e str,
    /// Gold's result; `None` if the gold query failed.
    pub gold: Option<&'e Table>,
    /// The query's result; `None` if it failed.
    pub result: Option<&'e Table>,
    /// Whether they are equal.
    pub correct: bool,
}

impl Executed<'_> {
    /// A component's value for the reply that the query was taken out of, from 0 to 1 (`length`: to 1.5).
    ///
    /// With `penalties` (SQL-R1's rules, methods.md 1.1) `format`, `executable` and `execution` are -1 where they fail, and what comes after
    /// a failure is 0: nothing more is judged of a reply without format, and no result of a query that does not run or whose gold fails.
    pub fn value(&self, component: RewardComponent, reply: &str, schemas: &Schemas, penalties: bool) -> f64 {
        let formatted = || Layout::of(reply).is_some();
        let runs = self.result.is_some();
        match component {
            RewardComponent::Format if penalties => signed(formatted()),
            RewardComponent::Executable if penalties => gate(formatted(), || signed(runs)),
            RewardComponent::Execution if penalties => {
                gate(formatted() && runs && self.gold.is_some(), || signed(self.correct))
            }
            RewardComponent::Length if penalties => gate(formatted() && self.correct, || length_term(reply, self.sql)),
            RewardComponent::Format => share(formatted()),
            RewardComponent::Executable => share(runs),
            RewardComponent::Execution => share(self.correct),
            RewardComponent::Length => gate(self.correct, || length_term(reply, self.sql)),
            RewardComponent::Partial => gate(!self.correct, || partial_credit(&self.example.gold_sql, self.sql)),
            RewardComponent::Tags => tag_share(reply),
            RewardComponent::Schema => {
                schema_overlap(&schemas.get(&self.example.database), &self.example.gold_sql, self.sql)
            }
            RewardComponent::Ngram => ngram_overlap(&self.example.gold_sql, self.sql),
            RewardComponent::CellPrecision => self.cells().precision,
            RewardComponent::CellRecall => self.cells().recall,
            RewardComponent::Cardinality => self.cells().cardinality,
        }
    }

    /// Everything where the result is right by the comparison in use, which may be looser than QATCH's.
    fn cells(&self) -> CellOverlap {
        match (self.gold, self.result) {
            _ if self.correct => CellOverlap { precision: 1.0, recall: 1.0, cardinality: 1.0 },
            (Some(gold), Some(result)) => cell_overlap(gold, result),
            _ => CellOverlap::default(),
        }
    }
}

fn share(good: bool) -> f64 {
    f64::from(u8::from(good))
}

fn signed(good: bool) -> f64 {
    if good { 1.0 } else { -1.0 }
}

fn gate(open: bool, value: impl Fn() -> f64) -> f64 {
    if open { value() } else { 0.0 }
}
