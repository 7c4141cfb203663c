//! `sqlr1-tui theme`: which themes there are, and whether they can be read.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Failure, say};
use crate::cockpit::theme::{Ground, ThemeFile, check};

/// List the cockpit's themes, or check that their texts can be read.
#[derive(Debug, Clone, Args)]
pub struct ThemeArgs {
    #[command(subcommand)]
    command: ThemeCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ThemeCommand {
    /// List the themes at hand: built in, in `themes/`, in the user's folder.
    List,
    /// Check contrast, and for colour-blind-safe themes that colours stay apart; exit code 1 if something is hard to read.
    Check {
        /// Names or files; all themes at hand if none is given.
        #[arg(value_name = "THEME")]
        themes: Vec<String>,
    },
}

/// Lists or checks.
///
/// # Errors
/// A theme cannot be had, or one that was checked is hard to read.
pub fn theme(args: &ThemeArgs) -> Result<(), Failure> {
    match &args.command {
        ThemeCommand::List => list(),
        ThemeCommand::Check { themes } => check_all(themes),
    }
}

fn load(name: &str) -> Result<ThemeFile, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let path = PathBuf::from(name);
    if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        let text = std::fs::read_to_string(&path).map_err(|error| usage(&format!("cannot read {name}: {error}")))?;
        return ThemeFile::parse(&text, name).map_err(|error| usage(&error));
    }
    ThemeFile::load(name, Path::new("themes")).map_err(|error| usage(&error))
}

fn list() -> Result<(), Failure> {
    for name in ThemeFile::names(Path::new("themes")) {
        let theme = load(&name)?;
        let ground = match theme.kind {
            Some(Ground::Dark) => "dark",
            Some(Ground::Light) => "light",
            None => "the terminal's",
        };
        let pair = theme.pair.map_or_else(String::new, |pair| format!(", goes with {pair}"));
        let safe = if theme.colour_blind_safe { ", safe for colour-blind eyes" } else { "" };
        say(&format!("{name:<14} {ground}{pair}{safe}"));
    }
    Ok(())
}

fn check_all(names: &[String]) -> Result<(), Failure> {
    let names = if names.is_empty() { ThemeFile::names(Path::new("themes")) } else { names.to_vec() };
    let mut hard = 0;
    for name in &names {
        let found = check(&load(name)?);
        hard += usize::from(!found.is_empty());
        say(&format!("{name}: {}", if found.is_empty() { "can be read" } else { "hard to read" }));
        for finding in found {
            say(&format!("  {finding}"));
        }
    }
    if hard == 0 { Ok(()) } else { Err(Failure::Run(format!("{hard} of {} themes are hard to read", names.len()))) }
}
