//! `sqlr1-tui export`: what a stored run shows, as files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, history::read_run, say};
use crate::{plot, run::folder::RunFolder};

/// Export a run's curves as a picture.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The run folder.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// What to export.
    pub what: What,
    /// The file [default: exports/curves.png in the run folder].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Training curves, a PNG picture.
    Curves,
}

/// Exports, and prints the path of the file.
///
/// # Errors
/// There is no run, it has no step yet, or the file cannot be written.
pub fn export(args: &ExportArgs) -> Result<(), Failure> {
    let folder = RunFolder::open(&args.run)?;
    let records = read_run(&folder)?;
    let path = args.out.clone().unwrap_or_else(|| folder.exports().join("curves.png"));
    match args.what {
        What::Curves => plot::export_curves(&records, &path).map_err(|e| Failure::Run(e.to_string()))?,
    }
    say(&path.display().to_string());
    Ok(())
}
