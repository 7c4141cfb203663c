//! `sqlr1-tui screenshot`: the cockpit of a stored run as a picture, drawn without a terminal.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{Failure, history::read_records, say};
use crate::{
    cockpit::{
        App, Symbols,
        theme::{ColorDepth, Theme, ThemeFile},
    },
    plot::{screen, screen_svg, write_picture},
    run::{
        command::{Command, CommandSink},
        folder::RunFolder,
    },
    settings::Settings,
};

/// Draw the cockpit of a stored run as a picture or as text, without a terminal.
#[derive(Debug, Clone, Args)]
pub struct ScreenshotArgs {
    /// The run folder, or a file of records that `export RUN events` wrote (packed by gzip or not).
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Columns and rows of the screen.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x40", value_parser = size)]
    pub size: (u16, u16),
    /// The theme: `themes/NAME.yaml` or a built-in one.
    #[arg(long, value_name = "NAME", default_value = "night")]
    pub theme: String,
    /// Keys to press first, as a person would, one character each: `?` shows the help, `z` zooms.
    #[arg(long, value_name = "KEYS", default_value = "")]
    pub keys: String,
    /// Show the run as it was when this step was done.
    #[arg(long, value_name = "STEP")]
    pub step: Option<u64>,
    /// The file: a name that ends in .svg or .txt chooses that format; - prints text [default: exports/screen-COLUMNSxROWS.png in
    /// the run folder].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Reads `120x40`.
pub fn size(text: &str) -> Result<(u16, u16), String> {
    let sides = text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    let fitting = |side: &u16| (1..=500).contains(side);
    sides
        .filter(|(columns, rows)| fitting(columns) && fitting(rows))
        .ok_or_else(|| "columns and rows are wanted, each from 1 to 500, as in 120x40".into())
}

/// Draws the screen, and prints the path of the file.
///
/// # Errors
/// There is no run, there is no such theme, or the file cannot be written.
pub fn screenshot(args: &ScreenshotArgs) -> Result<(), Failure> {
    let mut records = read_records(&args.run)?;
    if let Some(step) = args.step {
        let after = records.iter().position(|record| record.event.step().is_some_and(|at| at > step));
        records.truncate(after.unwrap_or(records.len()));
    }
    let theme = ThemeFile::load(&args.theme, Path::new("themes")).map_err(|e| Failure::Usage(e.to_string()))?;
    let mut app = App::new(Theme::new(theme, ColorDepth::True), &Symbols::UNICODE, Some(Arc::new(Nobody)));
    // Records in a file have no settings beside them, and settings of another version do not keep a run from being seen.
    let folder = RunFolder::open(&args.run).ok().filter(|_| args.run.is_dir());
    let settings = folder.and_then(|folder| Settings::from_file(&folder.settings()).ok());
    let ui = settings.unwrap_or_default().ui;
    app.arrange(&ui.charts);
    app.ui.charts.log_x = ui.log_x;
    let (columns, rows) = args.size;
    let drawn = screen::draw_run(&mut app, &records, &args.keys, columns, rows);
    if args.out.as_deref() == Some(Path::new("-")) {
        say(screen::text(&drawn).trim_end());
        return Ok(());
    }
    let name = format!("screen-{columns}x{rows}.png");
    let path = match &args.out {
        Some(path) => path.clone(),
        None if args.run.is_file() => PathBuf::from(name),
        None => RunFolder::open(&args.run)?.exports().join(name),
    };
    let picture = match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => screen_svg::render(&drawn).into_bytes(),
        Some("txt") => screen::text(&drawn).into_bytes(),
        _ => screen::render(&drawn).map_err(|e| Failure::Run(e.to_string()))?,
    };
    write_picture(&picture, &path).map_err(|e| Failure::Environment(e.to_string()))?;
    say(&path.display().to_string());
    Ok(())
}

/// Stands for the trainer that was there when the run was live, so that its keys are hinted at.
struct Nobody;

impl CommandSink for Nobody {
    fn send(&self, _: Command) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_two_numbers() {
        assert_eq!(size("120x40"), Ok((120, 40)));
        for bad in ["120", "x", "0x5", "120x501", "120x40x3", "-1x4"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
