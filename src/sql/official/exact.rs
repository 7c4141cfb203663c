//! Exact set match: whether two queries in canonical form have the same parts, clause by clause (methods.md 6.3).

use std::collections::BTreeSet;

use super::tree::{Conditions, IN, LIKE, Link, Query};

/// Whether two canonical queries match. Each component has to match wholly; join conditions are not compared, except
/// for their keywords, and neither is the number behind LIMIT.
pub fn exact_match(gold: &Query, predicted: &Query) -> bool {
    select_matches(gold, predicted)
        && filter_matches(gold, predicted)
        && group_matches(gold, predicted)
        && having_matches(gold, predicted)
        && order_matches(gold, predicted)
        && connectors(&gold.filter) == connectors(&predicted.filter)
        && combination_matches(gold, predicted)
        && keywords(gold) == keywords(predicted)
        && same_items(&gold.sources, &predicted.sources)
}

fn select_matches(gold: &Query, predicted: &Query) -> bool {
    same_items(&gold.select, &predicted.select)
}

fn filter_matches(gold: &Query, predicted: &Query) -> bool {
    let units = |query| Query::filter_units(query);
    same_items(&units(gold), &units(predicted))
}

impl Query {
    fn filter_units(&self) -> Vec<&super::tree::Condition> {
        self.filter.units().collect()
    }
}

/// Only the columns' own names count, not their tables or functions.
fn group_matches(gold: &Query, predicted: &Query) -> bool {
    let names = |query: &Query| -> Vec<String> {
        query.group_by.iter().map(|unit| unit.column.split('.').nth(1).unwrap_or(&unit.column).to_owned()).collect()
    };
    same_items(&names(gold), &names(predicted))
}

/// HAVING counts only where both group, and then the columns have to be in the same order.
fn having_matches(gold: &Query, predicted: &Query) -> bool {
    if gold.group_by.is_empty() && predicted.group_by.is_empty() {
        return true;
    }
    let columns = |query: &Query| -> Vec<String> { query.group_by.iter().map(|unit| unit.column.clone()).collect() };
    gold.group_by.is_empty() == predicted.group_by.is_empty()
        && columns(gold) == columns(predicted)
        && gold.having == predicted.having
}

fn order_matches(gold: &Query, predicted: &Query) -> bool {
    match (&gold.order_by, &predicted.order_by) {
        (None, None) => true,
        (Some(a), Some(b)) => a == b && gold.limit == predicted.limit,
        _ => false,
    }
}

fn connectors(conditions: &Conditions) -> (bool, bool, bool) {
    let has = |wanted: fn(&Link) -> bool| conditions.connectors().any(wanted);
    (has(|link| *link == Link::And), has(|link| *link == Link::Or), has(|link| matches!(link, Link::Condition(_))))
}

/// Of INTERSECT, UNION and EXCEPT together as many must match as there are.
fn combination_matches(gold: &Query, predicted: &Query) -> bool {
    let parts = |query: &'_ Query| [query.intersect.clone(), query.except.clone(), query.union.clone()];
    parts(gold).iter().zip(&parts(predicted)).all(|pair| match pair {
        (None, None) => true,
        (Some(gold), Some(predicted)) => exact_match(gold, predicted),
        _ => false,
    })
}

fn keywords(query: &Query) -> BTreeSet<&'static str> {
    let units = || query.all_conditions().into_iter().flat_map(Conditions::units);
    let direction = query.order_by.as_ref().map(|order| if order.descending { "desc" } else { "asc" });
    let present = [
        ("where", !query.filter.is_empty()),
        ("group", !query.group_by.is_empty()),
        ("having", !query.having.is_empty()),
        ("order", query.order_by.is_some()),
        ("limit", query.limit),
        ("except", query.except.is_some()),
        ("union", query.union.is_some()),
        ("intersect", query.intersect.is_some()),
        ("or", query.all_conditions().into_iter().any(|conditions| conditions.ors() > 0)),
        ("not", units().any(|unit| unit.not)),
        ("in", units().any(|unit| unit.operator == IN)),
        ("like", units().any(|unit| unit.operator == LIKE)),
    ];
    present.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).chain(direction).collect()
}

/// Whether two lists have the same items, each as often.
fn same_items<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    let mut rest: Vec<&T> = b.iter().collect();
    a.len() == b.len()
        && a.iter().all(|item| match rest.iter().position(|other| *other == item) {
            Some(at) => {
                rest.swap_remove(at);
                true
            }
            None => false,
        })
}

#[cfg(test)]
mod tests;
