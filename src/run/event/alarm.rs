//! What the doctor says of a run: that something is wrong, or no longer is.

use serde::{Deserialize, Serialize};

/// An alarm is raised, grew worse, or is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which detector speaks: a key of the settings `doctor`, as text because a newer program may have more of them.
    pub detector: String,
    /// Whether it is so, or is so no longer.
    pub active: bool,
    /// How bad it is.
    pub severity: Severity,
    /// The step at which it began.
    pub since: u64,
    /// Steps trained when this is said.
    pub step: u64,
    /// How sure the doctor is, from 0 to 1.
    pub confidence: f64,
    /// What is wrong, with the figures that say so.
    pub what: String,
    /// What it costs, where that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What to do, the likeliest help first.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
    /// What the trainer did about it by its settings, beside telling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Part of the work is wasted.
    Warning,
    /// The run will come to nothing, or to something else than was wanted.
    Critical,
}

/// What something costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The share that is wasted, from 0 to 1.
    pub share: f64,
    /// Of what.
    pub of: CostOf,
}

/// What is wasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostOf {
    /// Completions from which nothing, or something wrong, is learned.
    Rollouts,
    /// Time.
    Time,
    /// Updates that are left out or cut down.
    Updates,
}

/// Something that may help.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// What to do and why, one sentence.
    pub text: String,
    /// The setting that does it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetTo>,
}

/// A setting with the value that it should have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetTo {
    /// The key, as `group.name`.
    pub key: String,
    /// The value.
    pub value: serde_json::Value,
}
