//! `sqlr1-tui data check`.

mod lengths;
mod text;

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use lengths::measure;
use serde_json::json;
use text::Text;

use super::super::Failure;
use crate::{
    assets,
    data::{Split, check},
    rl::TrainError,
    settings::{Override, Settings, Sources},
    sql::Sandbox,
};

/// Look a data folder over: sizes, hardness, gold queries that fail, are empty or slow, what is missing.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Ends with 3 if something cannot be used: a split or a database that is not there, a broken entry. Gold queries
that fail or return nothing are told, and training leaves them out by itself; they do not count as that."
)]
pub struct CheckArgs {
    /// The data folder as downloaded, Spider's or BIRD's, or the folder above; `builtin:demo` is the built-in data set
    #[arg(value_name = "DIR")]
    pub data: PathBuf,
    /// Which questions to look at
    #[arg(long, value_enum, default_value_t = SplitChoice::Both)]
    pub split: SplitChoice,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Seconds from which on a gold query is called slow
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub slow: f64,
    /// Measure prompts with this model's tokenizer and chat template
    #[arg(long, value_name = "PATH|ORG/NAME")]
    pub model: Option<String>,
    /// One setting, as in prompt.template=omnisql; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// One split or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    /// Questions to train on.
    Train,
    /// Held-out questions.
    Dev,
    /// All.
    Both,
}

impl SplitChoice {
    /// As a list.
    pub fn splits(self) -> Vec<Split> {
        match self {
            Self::Train => vec![Split::Train],
            Self::Dev => vec![Split::Dev],
            Self::Both => Split::ALL.to_vec(),
        }
    }
}

/// Writes the report.
///
/// # Errors
/// [`Failure::Environment`] if something cannot be used.
pub fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let settings = settings(args)?;
    let slow = Duration::try_from_secs_f64(args.slow)
        .map_err(|e| Failure::Usage(format!("--slow {}: {e}; allowed: seconds, 0 or more", args.slow)))?;
    let splits = args.split.splits();
    let report = check(&settings.data, &splits, &Sandbox::in_process(&settings.sql), slow);
    let report = report.map_err(TrainError::from)?;
    let lengths = match &args.model {
        Some(model) => measure(model, &settings, &report)?,
        None => Vec::new(),
    };
    let written = if args.json {
        let prompts: serde_json::Map<_, _> = lengths.iter().map(|l| (l.name(), l.json())).collect();
        writeln!(out, "{}", json!({"report": report, "prompt_tokens": prompts}))
    } else {
        write!(out, "{}", Text(&report)).and_then(|()| lengths.iter().try_for_each(|l| writeln!(out, "{l}")))
    };
    match written.and_then(|()| out.flush()) {
        // A reader that has gone away wants no more of it.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(Failure::Run(format!("cannot write the report: {error}")));
        }
        _ => {}
    }
    if report.usable {
        return Ok(());
    }
    let unusable: usize = report.splits.iter().map(|split| split.unusable.len()).sum();
    Err(Failure::Environment(format!(
        "not all of {} can be used: {unusable} entries and {} splits cannot; --skip-bad lets `train` do without them",
        report.root.display(),
        report.unreadable.len()
    )))
}

fn settings(args: &CheckArgs) -> Result<Settings, Failure> {
    let mut overrides = args.sets.iter().map(|set| Override::parse(set)).collect::<Result<Vec<_>, _>>()?;
    overrides.push(Override::flag("DIR", "data.root", args.data.display().to_string()));
    let settings = Settings::load(&Sources { config: None, overrides })?;
    assets::resolve(settings).map_err(|e| Failure::Environment(e.to_string()))
}
