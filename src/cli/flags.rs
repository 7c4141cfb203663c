//! What several commands' flags have in common: how they become settings.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use serde_yaml::Value;

use super::Failure;
use crate::{
    assets,
    settings::{Override, Settings, Sources},
};

/// What a flag sets, if it is given.
pub fn flag<T: Display + Clone + Into<Value>>(flag: &str, key: &str, value: Option<&T>) -> Option<Override> {
    value.map(|value| Override::flag(&format!("{flag} {value}"), key, value.clone()))
}

/// What a flag with a path sets, if it is given.
pub fn path(name: &str, key: &str, value: Option<&PathBuf>) -> Option<Override> {
    flag(name, key, value.map(|path| path.display().to_string()).as_ref())
}

/// What each `--set` sets.
///
/// # Errors
/// One is no `group.name=value`.
pub fn sets(texts: &[String]) -> Result<Vec<Override>, Failure> {
    Ok(texts.iter().map(|text| Override::parse(text)).collect::<Result<_, _>>()?)
}

/// The settings of a configuration, a file or the name of one, under what flags set.
///
/// # Errors
/// The file cannot be read, or a setting is wrong.
pub fn settings(config: Option<PathBuf>, overrides: Vec<Override>) -> Result<Settings, Failure> {
    Ok(match config.as_deref().and_then(named_config) {
        Some((path, text)) => Settings::from_text(&path, &text, &overrides)?,
        None => Settings::load(&Sources { config, overrides })?,
    })
}

/// The configuration that a bare name stands for. Anything that looks like a path is none.
fn named_config(config: &Path) -> Option<(PathBuf, String)> {
    let name = config.to_str().filter(|name| !name.contains(['/', '.', '\\']))?;
    if config.is_file() { None } else { assets::config(name) }
}
