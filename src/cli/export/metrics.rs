//! What was measured, step by step, under TRL's names.

use std::collections::{BTreeMap, BTreeSet};

use super::table;
use crate::run::{
    event::{EvalDone, Event, Record},
    metrics::Metrics,
};

/// Metrics by step; those of evaluations carry the prefix `eval_`, as in TRL's `trainer_state.json`.
fn by_step(records: &[&Record]) -> BTreeMap<u64, Metrics> {
    let mut steps = BTreeMap::<u64, Metrics>::new();
    for record in records {
        match &record.event {
            Event::Step(done) => steps.entry(done.step).or_default().0.extend(done.metrics.0.clone()),
            Event::Eval(eval) => steps.entry(eval.step).or_default().0.extend(of_eval(eval)),
            _ => {}
        }
    }
    steps
}

fn of_eval(eval: &EvalDone) -> [(String, f64); 6] {
    [
        ("execution_accuracy", eval.execution_accuracy),
        ("execution_accuracy_low", eval.wilson[0]),
        ("execution_accuracy_high", eval.wilson[1]),
        ("questions", eval.n as f64),
        ("reward", eval.reward),
        ("runtime", eval.time),
    ]
    .map(|(name, value)| (format!("eval_{name}"), value))
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
