//! `sqlr1-tui data subset`.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, builder::PossibleValuesParser};

use super::{super::Failure, check::SplitChoice};
use crate::{
    assets,
    data::subset::{LEVELS, SubsetError, SubsetOptions, subset},
    settings::{Settings, SqlSettings},
    sql::Sandbox,
};

/// Write a few questions, with the databases they need, as a data folder of its own.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui data subset --data spider --out few
  sqlr1-tui data subset --data bird --out easy --count 50 --hardness simple --split dev
  sqlr1-tui data subset --data builtin:demo --out shops --database shop,zoo --hardness easy,medium --seed 2")]
pub struct SubsetArgs {
    /// The data folder, Spider's or BIRD's; `builtin:demo` is the built-in data set
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder to write to, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Questions of each split
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Levels to take questions of: Spider's (by the gold query) or BIRD's
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', value_parser = PossibleValuesParser::new(LEVELS))]
    hardness: Vec<String>,
    /// Databases to take questions of
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    database: Vec<String>,
    /// Decides which questions are taken
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Which questions to take
    #[arg(long, value_enum, default_value_t = SplitChoice::Both)]
    split: SplitChoice,
}

/// Writes the part; returns what to tell the user.
///
/// # Errors
/// [`Failure`] if there are no such questions, or they cannot be read or written.
pub fn run(args: &SubsetArgs) -> Result<String, Failure> {
    let mut settings = Settings::default();
    settings.data.root = Some(args.data.clone());
    let settings = assets::resolve(settings).map_err(|e| Failure::Environment(e.to_string()))?;
    let options = SubsetOptions {
        root: settings.data.root.unwrap_or_default(),
        out: args.out.clone(),
        splits: args.split.splits(),
        count: args.count as usize,
        levels: args.hardness.clone(),
        databases: args.database.clone(),
        seed: args.seed,
    };
    let taken = subset(&options, &Sandbox::in_process(&SqlSettings::default()))?;
    let mut report = args.out.display().to_string();
    for part in &taken {
        // Writing to a String does not fail.
        let (count, split, matching) = (part.examples.len(), part.split, part.matching);
        _ = write!(report, "\n{split}: {count} of {matching} matching questions");
        if count == 0 {
            _ = write!(report, "; no {split} file is written");
        }
        if part.unusable > 0 {
            _ = write!(report, "; {} entries cannot be used and were passed over", part.unusable);
        }
    }
    if taken.len() > 1 && taken.iter().all(|part| !part.examples.is_empty()) {
        _ = write!(report, "\ntrain on it: sqlr1-tui train --data {} --model FILE.gguf", args.out.display());
    }
    Ok(report)
}

impl From<SubsetError> for Failure {
    fn from(error: SubsetError) -> Self {
        use SubsetError::{Copy, Data, Malformed, NotEmpty, Nothing, UnknownDatabase};
        match error {
            NotEmpty(_) | UnknownDatabase { .. } | Nothing(_) => Self::Usage(error.to_string()),
            Data(_) | Malformed { .. } | Copy { .. } => Self::Environment(error.to_string()),
        }
    }
}
