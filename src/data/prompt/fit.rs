//! Which tables of a schema to show where there is no room for all.

use std::collections::{BTreeSet, HashMap};

use crate::data::{
    Example,
    schema::{
        Schema,
        words::{is_common, phrase, stem, telling, words},
    },
};

/// Words of a question that together may be a value.
const LONGEST_VALUE: usize = 6;

/// Tokens that a schema takes in a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Costs {
    /// All of it.
    pub whole: usize,
    /// Each table alone.
    tables: Vec<usize>,
    /// A prompt without any table, which the others do not count.
    empty: usize,
}

impl Costs {
    /// Measures with a function that counts the tokens of a prompt with such a schema.
    pub(super) fn measure<E>(schema: &Schema, measure: &dyn Fn(&Schema) -> Result<usize, E>) -> Result<Self, E> {
        let empty = measure(&Schema::default())?;
        let tables = (0..schema.tables.len()).map(|i| Ok(measure(&schema.only(&[i]))?.saturating_sub(empty)));
        let tables = tables.collect::<Result<_, E>>()?;
        Ok(Self { whole: measure(schema)?.saturating_sub(empty), tables, empty })
    }
}

/// All tables in the order in which they are worth their room: those that the question mentions, by how plainly it does;
/// those that a key joins to them; the rest.
pub(super) fn rank(schema: &Schema, values: &HashMap<String, BTreeSet<usize>>, example: &Example) -> Vec<usize> {
    let scores = mentions(schema, values, example);
    let mut order: Vec<usize> = (0..scores.len()).filter(|&i| scores[i] > 0).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(scores[i]));
    let joined = schema.joined();
    let beside = |i: usize| joined.iter().any(|&(a, b)| (a == i && scores[b] > 0) || (b == i && scores[a] > 0));
    let (near, far): (Vec<_>, Vec<_>) = (0..scores.len()).filter(|&i| scores[i] == 0).partition(|&i| beside(i));
    order.into_iter().chain(near).chain(far).collect()
}

/// How plainly each table is mentioned: by its name, by values in it, by columns.
fn mentions(schema: &Schema, values: &HashMap<String, BTreeSet<usize>>, example: &Example) -> Vec<usize> {
    let text = format!("{}\n{}", example.question, example.evidence.as_deref().unwrap_or_default());
    let all = words(&text);
    let stems: BTreeSet<&str> = all.iter().map(|word| stem(word)).chain(all.iter().map(String::as_str)).collect();
    let named = |name: &str| telling(name).iter().all(|word| stems.contains(word.as_str()));
    let mut scores: Vec<usize> = schema
        .tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().filter(|column| !is_common(&column.name) && named(&column.name));
            8 * usize::from(named(&table.name)) + columns.count().min(3)
        })
        .collect();
    let mut with_values = BTreeSet::new();
    let text = phrase(&text);
    let all: Vec<&str> = text.split(' ').collect();
    for length in 1..=LONGEST_VALUE.min(all.len()) {
        with_values.extend(all.windows(length).filter_map(|part| values.get(&part.join(" "))).flatten());
    }
    for &table in with_values {
        scores[table] += 4;
    }
    scores
}

/// The tables, in the schema's order, that fit into the budget, taken by rank. The first of them is kept in any case.
pub(super) fn keep<E>(
    schema: &Schema,
    costs: &Costs,
    rank: &[usize],
    budget: usize,
    measure: &dyn Fn(&Schema) -> Result<usize, E>,
) -> Result<Vec<usize>, E> {
    let (mut kept, mut used) = (Vec::new(), 0);
    for &table in rank {
        if kept.is_empty() || used + costs.tables[table] <= budget {
            used += costs.tables[table];
            kept.push(table);
        }
    }
    // Tokens of tables together are not quite the sum of the tables' tokens.
    while kept.len() > 1 && measure(&schema.only(&kept))?.saturating_sub(costs.empty) > budget {
        kept.pop();
    }
    kept.sort_unstable();
    Ok(kept)
}
