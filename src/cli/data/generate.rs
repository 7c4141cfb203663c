//! `sqlr1-tui data generate`.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;

use crate::{
    cli::Failure,
    data::generate::{GenerateOptions, SHARES, generate},
};

/// Write databases with made-up rows, questions and their queries, in Spider's layout.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The same seed gives the same files, byte for byte
    #[arg(long, default_value_t = GenerateOptions::default().seed)]
    seed: u64,
    /// Folder to write to, new or empty
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    out: PathBuf,
    /// Training questions
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().train)]
    train: usize,
    /// Held-out questions
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().dev)]
    dev: usize,
    /// Of 100 training queries that invite a slip (a forgotten DESC, NOT, DISTINCT ...), so many are wrong: a corpus
    /// that teaches bad habits, as the built-in model's was
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    slips: u8,
    /// Replace the data in a folder that is not empty; other files stay
    #[arg(long)]
    overwrite: bool,
}

/// Makes the data; returns what to tell the user.
///
/// # Errors
/// [`Failure`] if there are not so many questions, or the folder is not empty or cannot be written to.
pub fn run(args: &GenerateArgs) -> Result<String, Failure> {
    let options = GenerateOptions { seed: args.seed, train: args.train, dev: args.dev, slips: args.slips.into() };
    let made = generate(&options)?;
    made.write(&args.out, args.overwrite)?;
    let databases = made.databases();
    let mut report = format!(
        "{}: {} databases, {} training and {} held-out questions, seed {}",
        args.out.display(),
        databases.len(),
        made.train.len(),
        made.dev.len(),
        args.seed
    );
    let held_out = databases.last().copied().unwrap_or_default();
    // Writing to a String does not fail.
    _ = write!(report, "\nonly held-out questions are about `{held_out}`; held-out questions by hardness:");
    for (level, _) in SHARES {
        let count = made.dev.iter().filter(|entry| entry.level == level).count();
        _ = write!(report, " {level} {count}");
    }
    _ = write!(report, "\ntrain on it: sqlr1-tui train --data {} --model FILE.gguf", args.out.display());
    Ok(report)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: GenerateArgs,
    }

    fn generate(arguments: &[&str]) -> Result<String, Failure> {
        run(&Cli::try_parse_from([&["generate"], arguments].concat()).unwrap().args)
    }

    #[test]
    fn data_are_written_where_told_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        let arguments = ["--seed", "3", "--train", "24", "--dev", "25", "--out", out.to_str().unwrap()];
        let report = generate(&arguments).unwrap();
        for part in ["12 databases, 24 training and 25 held-out questions, seed 3", "`hotel`", "medium 1"] {
            assert!(report.contains(part), "{part}: {report}");
        }
        assert!(out.join("database/hotel/hotel.sqlite").is_file());
        assert!(generate(&arguments).unwrap_err().to_string().contains("--overwrite"));
        generate(&[&arguments[..], &["--overwrite"]].concat()).unwrap();
    }
}
