//! What was changed by hand while a run trains, and what was refused.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A setting that was changed while the run trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingChanged {
    /// The key, as `group.name`.
    pub key: String,
    /// What it was.
    pub old: Value,
    /// What it is.
    pub new: Value,
    /// The first step that is trained with it.
    pub takes_effect: u64,
    /// Who changed it.
    #[serde(default)]
    pub by: ChangedBy,
}

/// Who changed a setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedBy {
    /// Somebody at a cockpit.
    #[default]
    Person,
    /// A rule of the settings.
    Rule,
}

/// A command that the trainer does not obey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was asked for, in words.
    pub asked: String,
    /// Why not, and what is allowed.
    pub reason: String,
}
