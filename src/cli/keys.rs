//! `sqlr1-tui keys`: what keys do, and under which names they can be changed.

use std::fmt::Write as _;

use clap::Args;

use super::Failure;
use crate::{
    cockpit::{
        action::{ACTIONS, Keymap, Scope},
        views::View,
    },
    settings::Settings,
};

/// List what keys do, with the names under which `ui.keys` changes them.
#[derive(Debug, Clone, Args)]
pub struct KeysArgs {
    /// A settings file whose `ui.keys` count.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// A JSON schema of `ui.keys` instead, for editors.
    #[arg(long)]
    schema: bool,
}

/// Lists them.
///
/// # Errors
/// The settings cannot be read or give keys that cannot be.
pub fn keys(args: &KeysArgs) -> Result<(), Failure> {
    let settings = match &args.config {
        Some(path) => Settings::from_file(path).map_err(|error| Failure::Usage(error.to_string()))?,
        None => Settings::default(),
    };
    let keymap = Keymap::with(&settings.ui.keys).map_err(|error| Failure::Usage(error.to_string()))?;
    let out = if args.schema { format!("{:#}\n", schema()) } else { table(&keymap) };
    super::say(out.trim_end());
    Ok(())
}

fn table(keymap: &Keymap) -> String {
    let mut out = String::new();
    let mut scope = None;
    for info in ACTIONS {
        if scope != Some(info.scope) {
            scope = Some(info.scope);
            let gap = if out.is_empty() { "" } else { "\n" };
            let _ = writeln!(out, "{gap}{}:", words(info.scope));
        }
        let _ = writeln!(out, "  {:<18} {:<16} {}", info.id, keymap.labels(info), info.help);
    }
    out
}

fn words(scope: Scope) -> String {
    match scope {
        Scope::Main => "everywhere".into(),
        Scope::Replay => "in a replay".into(),
        Scope::Quit => "when asked how to quit".into(),
        Scope::Entry => "while typing".into(),
        Scope::Palette => "in the list of actions".into(),
        Scope::Themes => "in the list of themes".into(),
        Scope::View(view) => format!("in the view {} ({})", View::title(view), view.number()),
    }
}

/// A JSON schema (draft 2020-12) of `ui.keys`.
fn schema() -> serde_json::Value {
    let properties: serde_json::Map<String, serde_json::Value> = ACTIONS
        .iter()
        .map(|info| {
            let keys: Vec<String> = info.keys.iter().map(crate::cockpit::action::Chord::label).collect();
            let words = serde_json::json!({
                "description": format!("{} ({})", info.help, words(info.scope)),
                "type": "array", "items": { "type": "string" }, "default": keys,
            });
            (info.id.to_owned(), words)
        })
        .collect();
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ui.keys of sqlr1-tui", "type": "object", "additionalProperties": false, "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_names_every_action_and_the_table_shows_changed_keys() {
        assert_eq!(schema()["properties"].as_object().unwrap().len(), ACTIONS.len());
        let changed = [("checkpoint".to_owned(), vec!["f5".to_owned()])].into();
        let table = table(&Keymap::with(&changed).unwrap());
        assert!(table.lines().any(|line| line.contains("checkpoint") && line.contains(" f5 ")), "{table}");
    }
}
