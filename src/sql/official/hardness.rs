//! How hard a question is, judged by its gold query (methods.md 6.4).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tree::{Conditions, Expression, LIKE, Link, Operand, Query};

/// Spider's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hardness {
    /// At most one clause, nothing else.
    Easy,
    /// A few clauses or several columns.
    Medium,
    /// Many clauses, or one subquery or combination.
    Hard,
    /// Everything beyond.
    Extra,
}

impl Hardness {
    /// All levels, the easiest first.
    pub const ALL: [Self; 4] = [Self::Easy, Self::Medium, Self::Hard, Self::Extra];
}

impl fmt::Display for Hardness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
            Self::Extra => "extra",
        })
    }
}

/// The level of a query as parsed.
pub fn hardness(query: &Query) -> Hardness {
    let (clauses, nested, others) = (clauses(query), nested(query), others(query));
    match (clauses, others, nested) {
        (0..=1, 0, 0) => Hardness::Easy,
        (0..=1, 0..=2, 0) | (0..=2, 0..=1, 0) => Hardness::Medium,
        (0..=2, 3.., 0) | (3, 0..=2, 0) | (0..=1, 0, 0..=1) => Hardness::Hard,
        _ => Hardness::Extra,
    }
}

/// Clauses, joined tables, ORs and LIKEs.
fn clauses(query: &Query) -> usize {
    let conditions = query.all_conditions();
    let present = [!query.filter.is_empty(), !query.group_by.is_empty(), query.order_by.is_some(), query.limit];
    present.into_iter().filter(|is| *is).count()
        + query.sources.len().saturating_sub(1)
        + conditions.iter().map(|conditions| conditions.ors()).sum::<usize>()
        + conditions.iter().flat_map(|c| c.units()).filter(|unit| unit.operator == LIKE).count()
}

/// Subqueries of conditions, and what INTERSECT, UNION and EXCEPT add. Subqueries of FROM do not count.
fn nested(query: &Query) -> usize {
    let operands = query.all_conditions().into_iter().flat_map(Conditions::units).flat_map(|u| [&u.right, &u.upper]);
    operands.filter(|operand| matches!(operand, Operand::Query(_))).count()
        + [&query.intersect, &query.union, &query.except].into_iter().flatten().count()
}

/// How many of: several aggregates, several selected columns, several conditions, several grouping columns.
fn others(query: &Query) -> usize {
    let several = [aggregates(query) > 1, query.select.len() > 1, query.filter.0.len() > 1, query.group_by.len() > 1];
    several.into_iter().filter(|is| *is).count()
}

/// Aggregates as the original counts them: by the first field of whatever is in a list. In conditions that is the NOT, and
/// the connectors of HAVING count, being in its list and not empty. Of expressions in ORDER BY the columns are looked at.
fn aggregates(query: &Query) -> usize {
    let in_order = |expression: &Expression| {
        [Some(&expression.left), expression.right.as_ref()]
            .into_iter()
            .flatten()
            .filter(|unit| unit.aggregate != 0)
            .count()
    };
    let in_having = |link: &&Link| match link {
        Link::Condition(condition) => condition.not,
        Link::And | Link::Or => true,
    };
    query.select.iter().filter(|selected| selected.aggregate != 0).count()
        + query.filter.units().filter(|condition| condition.not).count()
        + query.group_by.iter().filter(|unit| unit.aggregate != 0).count()
        + query.order_by.iter().flat_map(|order| &order.by).map(in_order).sum::<usize>()
        + query.having.0.iter().filter(in_having).count()
}
