//! `sqlr1-tui runs`: the runs in a folder, and how they are.

mod table;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, say, say_json};
pub use crate::cockpit::runs::State;
use crate::{
    cockpit::runs::{self, RunSummary},
    run::folder::{RUNS, RunFolder, STAGES},
};

/// List the runs in a folder with their state, step, best accuracy, size, method and start.
#[derive(Debug, Clone, Args)]
pub struct RunsArgs {
    /// The folder that holds run folders.
    #[arg(value_name = "DIR", default_value = RUNS)]
    dir: PathBuf,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists them, the oldest first.
///
/// # Errors
/// The folder is not there or cannot be read. A run that cannot be read is listed as such.
pub fn runs(args: &RunsArgs) -> Result<(), Failure> {
    if !args.dir.is_dir() && args.dir != Path::new(RUNS) {
        return Err(Failure::Usage(format!("there is no folder {}", args.dir.display())));
    }
    let runs = list(&args.dir)?;
    if args.json {
        for run in &runs {
            say_json(&serde_json::to_string(run).map_err(|e| Failure::Run(e.to_string()))?);
        }
        return Ok(());
    }
    if runs.is_empty() {
        say(&format!("no runs in {}", args.dir.display()));
    }
    for line in table::lines(&runs) {
        say(&line);
    }
    Ok(())
}

/// The run that a person names by its folder, or by its name under runs/; of a chain of stages the newest.
///
/// # Errors
/// There is no such run.
pub fn named(run: &Path) -> Result<RunFolder, Failure> {
    let below = Path::new(RUNS).join(run);
    let is_there = |path: &Path| path.join("run.db").is_file() || path.join(STAGES).is_file();
    let path = if !is_there(run) && is_there(&below) { &below } else { run };
    if path.join(STAGES).is_file()
        && let Some(newest) = list(path)?.pop()
    {
        return Ok(RunFolder::open(&newest.path)?);
    }
    if !path.exists() {
        return Err(Failure::Usage(format!(
            "there is no run {}, nor {}; `sqlr1-tui runs` lists those that there are",
            run.display(),
            below.display()
        )));
    }
    Ok(RunFolder::open(path)?)
}

/// The runs in a folder, the oldest first.
///
/// # Errors
/// The folder cannot be listed.
pub fn list(dir: &Path) -> Result<Vec<RunSummary>, Failure> {
    runs::list(dir).map_err(|error| Failure::Environment(error.to_string()))
}
