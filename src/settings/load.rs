//! From a YAML file and flags to validated settings.

use std::path::{Path, PathBuf};

use super::{Impossible, Override, Settings, SettingsError, check};

/// Where settings come from: defaults, then the file, then flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The YAML file.
    pub config: Option<PathBuf>,
    /// Flags and `--set`, in the order in which they count.
    pub overrides: Vec<Override>,
}

impl Settings {
    /// Reads, overlays and validates.
    ///
    /// # Errors
    /// Everything that [`SettingsError`] lists, with file, line, key, value and what is allowed.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        match &sources.config {
            Some(path) => Self::from_text(path, &read(path)?, &sources.overrides),
            None => Self::overlaid(&Self::default(), None, &sources.overrides),
        }
    }

    /// As [`Settings::load`] from a text that is already read; `path` names it in messages.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn from_text(path: &Path, text: &str, overrides: &[Override]) -> Result<Self, SettingsError> {
        Self::overlaid(&parse(path, text)?, Some((path, text)), overrides)
    }

    /// What `other` sets otherwise, as `group.name: 1 → 2`; the run's own folder aside.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        self.changes(other).into_iter().map(|(key, [old, new])| format!("{key}: {old} → {new}")).collect()
    }

    /// Settings that `other` has otherwise: `group.name`, the value here and the value there as JSON; the run's own folder aside.
    pub fn changes(&self, other: &Self) -> Vec<(String, [String; 2])> {
        let tree = |settings: &Self| serde_yaml::to_value(settings).unwrap_or_default();
        let (mine, theirs) = (tree(self), tree(other));
        let mut found = Vec::new();
        for (group, inner) in mine.as_mapping().into_iter().flatten() {
            for (name, value) in inner.as_mapping().into_iter().flatten() {
                let new = &theirs[group][name];
                let key = format!("{}.{}", group.as_str().unwrap_or_default(), name.as_str().unwrap_or_default());
                if new != value && key != "run.dir" {
                    let show = |value| serde_json::to_string(value).unwrap_or_default();
                    found.push((key, [show(value), show(new)]));
                }
            }
        }
        found
    }

    fn overlaid(base: &Self, file: Option<(&Path, &str)>, overrides: &[Override]) -> Result<Self, SettingsError> {
        let settings = super::overlay::apply(base, overrides)?;
        settings.validated(|key| place_of(key, file, overrides))?.with_stages(file, overrides)
    }

    /// Reads settings that a run stored, without flags.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn from_file(path: &Path) -> Result<Self, SettingsError> {
        Self::load(&Sources { config: Some(path.to_owned()), overrides: Vec::new() })
    }

    pub(super) fn validated(self, place: impl Fn(&str) -> String) -> Result<Self, SettingsError> {
        let found = check::findings(&self);
        if found.is_empty() {
            return Ok(self);
        }
        let described = found.into_iter().map(|(key, value, allowed)| Impossible {
            place: place(key),
            key: key.to_owned(),
            value,
            allowed: allowed.to_owned(),
        });
        Err(SettingsError::Impossible(described.collect()))
    }
}

fn read(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })
}

fn parse(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(Settings::default());
    }
    serde_yaml::from_str(text).map_err(|e| {
        let at = e.location();
        SettingsError::File {
            path: path.to_owned(),
            line: at.as_ref().map_or(0, serde_yaml::Location::line),
            column: at.as_ref().map_or(0, serde_yaml::Location::column),
            message: with_hint(&e.to_string()),
        }
    })
}

/// Serde's message without the position, which the caller shows, and with the nearest known name.
fn with_hint(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(wrong) =
        quoted.next().filter(|_| message.contains("unknown field") || message.contains("unknown variant"))
    else {
        return message.to_owned();
    };
    let near = quoted.max_by(|a, b| strsim::jaro_winkler(a, wrong).total_cmp(&strsim::jaro_winkler(b, wrong)));
    match near.filter(|n| strsim::jaro_winkler(n, wrong) > 0.7) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message.to_owned(),
    }
}

fn place_of(key: &str, file: Option<(&Path, &str)>, overrides: &[Override]) -> String {
    if let Some(change) = overrides.iter().rev().find(|o| o.key == key) {
        return change.origin.clone();
    }
    match file {
        Some((path, text)) => match line_of(text, key) {
            Some(line) => format!("{}:{line}", path.display()),
            None => format!("{} (default)", path.display()),
        },
        None => "default".to_owned(),
    }
}

/// The line, from 1, of `group.name` in block-style YAML.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (group, name) = key.split_once('.')?;
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let word = line.trim_start();
        let indented = word.len() < line.len();
        if !indented && !word.is_empty() && !word.starts_with('#') {
            inside = word.split(':').next() == Some(group);
        } else if inside && word.split(':').next().map(str::trim_end) == Some(name) {
            return Some(number + 1);
        }
    }
    None
}
