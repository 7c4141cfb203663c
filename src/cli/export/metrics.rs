//! What was measured, step by step, under TRL's names.

use std::collections::{BTreeMap, BTreeSet};

use super::table;
use crate::{
    export::scalars,
    run::{event::Record, metrics::Metrics},
};

/// Metrics by step; those of evaluations carry the prefix `eval_`, as in TRL's `trainer_state.json`.
fn by_step(records: &[&Record]) -> BTreeMap<u64, Metrics> {
    let mut steps = BTreeMap::<u64, Metrics>::new();
    for record in records {
        if let Some(found) = scalars::of(&record.event) {
            steps.entry(found.step).or_default().0.extend(found.values);
        }
    }
    steps
}

/// A row a step; a column for each metric that any step has.
pub fn csv(records: &[&Record]) -> String {
    let steps = by_step(records);
    let names: BTreeSet<&String> = steps.values().flat_map(|metrics| metrics.0.keys()).collect();
    if steps.is_empty() {
        return String::new();
    }
    let head: Vec<String> = std::iter::once("step".to_owned()).chain(names.iter().map(|n| table::text(n))).collect();
    let rows = steps.iter().map(|(step, metrics)| {
        let values = names.iter().map(|name| table::number(metrics.get(name)));
        table::row(&std::iter::once(step.to_string()).chain(values).collect::<Vec<_>>())
    });
    std::iter::once(table::row(&head)).chain(rows).collect()
}

/// An object a step; values that are not finite are `null`.
pub fn jsonl(records: &[&Record]) -> String {
    let line = |(step, metrics): (&u64, &Metrics)| {
        let mut object = serde_json::Map::from_iter([("step".to_owned(), (*step).into())]);
        object.extend(metrics.0.iter().map(|(name, value)| (name.clone(), (*value).into())));
        format!("{}\n", crate::harmless::json(&serde_json::Value::Object(object).to_string()))
    };
    by_step(records).iter().map(line).collect()
}
