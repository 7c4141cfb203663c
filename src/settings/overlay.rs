//! Single settings that flags and `--set` lay over the file.

use serde_yaml::{Mapping, Value};

use super::{Settings, SettingsError};

/// One setting given on the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The key, as `group.name`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The flag as the user wrote it, for messages.
    pub origin: String,
}

impl Override {
    /// A setting that a flag of its own stands for.
    pub fn flag(flag: &str, key: &str, value: impl Into<Value>) -> Self {
        Self { key: key.to_owned(), value: value.into(), origin: flag.to_owned() }
    }

    /// Parses the argument of `--set`, `group.name=value` with the value in YAML.
    ///
    /// # Errors
    /// The text has no `=`, no group, or a value that is not YAML.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let origin = format!("--set {text}");
        let fail = |message: String| SettingsError::Flag { origin: origin.clone(), message };
        let (key, value) = text.split_once('=').ok_or_else(|| fail("expected group.name=value".into()))?;
        if key.trim().split('.').count() != 2 {
            return Err(fail(format!("{:?} is not of the form group.name, as in grpo.beta", key.trim())));
        }
        let value = serde_yaml::from_str(value).map_err(|e| fail(format!("the value is not YAML: {e}")))?;
        Ok(Self { key: key.trim().to_owned(), value, origin })
    }
}

/// Lays `overrides` over `settings`, in order.
///
/// # Errors
/// A key that does not exist, with the nearest one that does; a value of the wrong type.
pub(super) fn apply(settings: &Settings, overrides: &[Override]) -> Result<Settings, SettingsError> {
    let mut settings = settings.clone();
    for change in overrides {
        settings = apply_one(&settings, change)?;
    }
    Ok(settings)
}

fn apply_one(settings: &Settings, change: &Override) -> Result<Settings, SettingsError> {
    let fail = |message: String| SettingsError::Flag { origin: change.origin.clone(), message };
    let mut tree = serde_yaml::to_value(settings).map_err(|e| fail(e.to_string()))?;
    let (group, name) = change.key.split_once('.').unwrap_or((&change.key, ""));
    let groups = tree.as_mapping_mut().ok_or_else(|| fail("settings are no mapping".into()))?;
    let known: Vec<String> = keys(groups);
    let inner =
        groups.get_mut(group).and_then(Value::as_mapping_mut).ok_or_else(|| fail(unknown("group", group, &known)))?;
    if !inner.contains_key(name) {
        return Err(fail(unknown("setting", name, &keys(inner))));
    }
    inner.insert(name.into(), change.value.clone());
    serde_yaml::from_value(tree).map_err(|e| fail(e.to_string()))
}

fn keys(mapping: &Mapping) -> Vec<String> {
    mapping.keys().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The message for a name that does not exist.
pub(super) fn unknown(what: &str, name: &str, known: &[String]) -> String {
    let near = known.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let hint = near.filter(|k| strsim::jaro_winkler(k, name) > 0.7).map(|k| format!(" (did you mean `{k}`?)"));
    format!("unknown {what} `{name}`{}; allowed: {}", hint.unwrap_or_default(), known.join(", "))
}
