//! Our events in MLflow's words.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    export::scalars::Scalars,
    run::event::{EndReason, Event, RunStarted},
};

/// Characters of a parameter's value that every version of MLflow takes.
const VALUE: usize = 500;

/// Unix time as MLflow has it.
pub fn millis(time: f64) -> i64 {
    (time * 1000.0).round() as i64
}

/// What belongs to the run as a whole.
pub fn tags(started: &RunStarted, run_dir: &Path) -> Vec<Value> {
    let method = format!("{:?}", started.method).to_lowercase();
    [
        ("mlflow.source.name", "sqlr1-tui".to_owned()),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("sqlr1.version", started.program_version.clone()),
        ("sqlr1.run_dir", run_dir.display().to_string()),
        ("sqlr1.method", method),
        ("sqlr1.model", started.model.name.clone()),
        ("sqlr1.data", started.data.root.clone()),
        ("sqlr1.device", started.device.clone()),
    ]
    .into_iter()
    .map(|(key, value)| json!({ "key": key, "value": value }))
    .collect()
}

/// The settings, as `group.name`.
pub fn params(started: &RunStarted) -> Vec<Value> {
    let groups = started.settings.as_object().into_iter().flatten();
    groups
        .flat_map(|(group, inner)| {
            let settings = inner.as_object().into_iter().flatten();
            settings.map(move |(name, value)| json!({ "key": format!("{group}.{name}"), "value": shown(value) }))
        })
        .collect()
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(VALUE).collect()
}

/// Figures of a step. MLflow takes few signs in names; values that are not finite go as the words that JSON has no numbers for.
pub fn metrics(time: f64, scalars: &Scalars) -> impl Iterator<Item = Value> {
    scalars.values.iter().map(move |(name, value)| {
        let value = if value.is_finite() { json!(value) } else { json!(word(*value)) };
        json!({ "key": key(name), "value": value, "timestamp": millis(time), "step": scalars.step })
    })
}

fn word(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

/// A name with every sign that MLflow refuses replaced by `_`.
fn key(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "_-. /".contains(c) { c } else { '_' }).collect()
}

/// The status that an event brings about, and whether the run is over with it.
pub fn status(event: &Event) -> (&'static str, bool) {
    match event {
        Event::End(ended) => match ended.reason {
            EndReason::Completed | EndReason::EarlyStopped => ("FINISHED", true),
            EndReason::Failed => ("FAILED", true),
            EndReason::Stopped | EndReason::Signal => ("KILLED", true),
        },
        _ => ("RUNNING", false),
    }
}
