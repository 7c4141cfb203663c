//! `sqlr1-tui export`: what a stored run shows, as files.

mod metrics;
mod report;
mod samples;
mod table;
mod trackers;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, history::read_run, say};
use crate::{
    cockpit::theme::{ColorDepth, Theme, ThemeFile},
    harmless,
    plot::{self, Look, PlotError, write_picture},
    run::{event::Record, folder::RunFolder, standing},
};

/// Export a run's curves, samples, metrics or a report of it, or give it to TensorBoard or MLflow.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Formats, the first being the default:
  curves   png, svg
  samples  jsonl (a question a line), csv (a candidate a row), md
  metrics  csv, jsonl (a step a line, under TRL's names)
  events   jsonl: every record of the run, which `screenshot` reads again
  report   md, with the curves beside it as a picture

Other programs' own:
  tensorboard  an event file in a folder of the run's name in --out DIR [default: exports/tensorboard in the run folder]
  mlflow       sends what is new to the server at --uri, as in http://localhost:5000; prints the run's page

In csv and md, what a terminal would obey is replaced by visible signs; jsonl has every character, escaped.")]
pub struct ExportArgs {
    /// The run folder.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// What to export.
    pub what: What,
    /// In which format.
    #[arg(long)]
    pub format: Option<Format>,
    /// The file [default: exports/WHAT.FORMAT in the run folder].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Colours of curves: `print`, dark on white for a paper, or a theme's name.
    #[arg(long, value_name = "NAME", default_value = "print")]
    pub theme: String,
    /// MLflow's server.
    #[arg(long, env = "MLFLOW_TRACKING_URI")]
    pub uri: Option<String>,
    /// MLflow's experiment [default: sqlr1-tui].
    #[arg(long, value_name = "NAME", env = "MLFLOW_EXPERIMENT_NAME")]
    pub experiment: Option<String>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Training curves.
    Curves,
    /// Questions with their scored candidates.
    Samples,
    /// What was measured at each step, and in evaluations.
    Metrics,
    /// All that the trainer said: the run's records, from which the whole cockpit can be shown again.
    Events,
    /// All in one page: settings, model, data, curves, evaluations, what was won and lost.
    Report,
    /// TensorBoard's event file.
    Tensorboard,
    /// A run on an MLflow server.
    Mlflow,
}

/// File formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A picture of pixels.
    Png,
    /// A picture of lines.
    Svg,
    /// A table.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// Markdown.
    Md,
}

impl What {
    /// The formats it can have, the default first.
    fn formats(self) -> &'static [Format] {
        match self {
            Self::Curves => &[Format::Png, Format::Svg],
            Self::Samples => &[Format::Jsonl, Format::Csv, Format::Md],
            Self::Metrics => &[Format::Csv, Format::Jsonl],
            Self::Report => &[Format::Md],
            Self::Events => &[Format::Jsonl],
            Self::Tensorboard | Self::Mlflow => &[],
        }
    }

    /// The format asked for; without one, that of the file's name, else the default.
    fn format(self, wanted: Option<Format>, out: Option<&Path>) -> Result<Format, Failure> {
        let formats = self.formats();
        let named = || out?.extension()?.to_str().and_then(|e| Format::from_str(e, true).ok());
        let named = || named().filter(|format| formats.contains(format)).or(formats.first().copied());
        let Some(format) = wanted.or_else(named) else {
            return Err(Failure::Usage(format!("{} has a format of its own", name(&self))));
        };
        if formats.contains(&format) {
            return Ok(format);
        }
        let all: Vec<String> = Self::value_variants()
            .iter()
            .filter(|what| !what.formats().is_empty())
            .map(|what| {
                format!("{} as {}", name(what), what.formats().iter().map(name).collect::<Vec<_>>().join(" or "))
            })
            .collect();
        Err(Failure::Usage(format!(
            "{} cannot be exported as {}; what goes: {}",
            name(&self),
            name(&format),
            all.join(", ")
        )))
    }
}

/// A value as it is typed.
fn name<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Exports, and prints the path of the file.
///
/// # Errors
/// There is no run, it has no step yet, the format does not fit, or the file cannot be written.
pub fn export(args: &ExportArgs) -> Result<(), Failure> {
    if args.what.formats().is_empty() {
        return trackers::export(args, &RunFolder::open(&args.run)?);
    }
    let format = args.what.format(args.format, args.out.as_deref())?;
    let folder = RunFolder::open(&args.run)?;
    let records = read_run(&folder)?;
    let file = format!("{}.{}", name(&args.what), name(&format));
    let path = args.out.clone().unwrap_or_else(|| folder.exports().join(file));
    write(args.what, format, &folder, &records, &path, &look(&args.theme)?).map_err(|error| match error {
        PlotError::Write { .. } => Failure::Environment(format!("{error}; --out FILE writes elsewhere")),
        _ => Failure::Run(error.to_string()),
    })?;
    say(&path.display().to_string());
    Ok(())
}

/// Records as they are stored, one a line.
fn events(records: &[Record]) -> Result<String, PlotError> {
    records.iter().filter(|record| record.seq != 0).try_fold(String::new(), |mut text, record| {
        text += &harmless::json(&serde_json::to_string(record).map_err(|error| PlotError::Draw(error.to_string()))?);
        text.push('\n');
        Ok(text)
    })
}

/// The colours that are meant.
fn look(name: &str) -> Result<Look, Failure> {
    if name == "print" {
        return Ok(Look::PRINT);
    }
    let theme = ThemeFile::load(name, Path::new("themes")).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Look::of(&Theme::new(theme, ColorDepth::True)))
}

fn write(
    what: What,
    format: Format,
    folder: &RunFolder,
    records: &[Record],
    path: &Path,
    look: &Look,
) -> Result<(), PlotError> {
    let standing = standing::standing(records);
    let text = match (what, format) {
        (What::Curves, Format::Svg) => return plot::export_svg(records, path, look),
        (What::Curves, _) => return plot::export_curves(records, path, look),
        (What::Samples, Format::Csv) => samples::csv(&standing),
        (What::Samples, Format::Md) => samples::markdown(&standing),
        (What::Samples, _) => samples::jsonl(&standing),
        (What::Events, _) => events(records)?,
        (What::Metrics, Format::Jsonl) => metrics::jsonl(&standing),
        (What::Metrics, _) => metrics::csv(&standing),
        // They have no format: `trackers` exports them.
        (What::Tensorboard | What::Mlflow, _) => String::new(),
        (What::Report, _) => {
            let curves = path.with_extension("curves.png");
            plot::export_curves(records, &curves, look)?;
            let picture = curves.file_name().unwrap_or_default().to_string_lossy();
            report::report(folder, &standing, records, &picture)
        }
    };
    if text.is_empty() {
        return Err(PlotError::Empty);
    }
    write_picture(text.as_bytes(), path)
}

#[cfg(test)]
mod tests;
