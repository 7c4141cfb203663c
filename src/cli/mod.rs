//! The command line.

mod data;
mod exit;
mod export;
mod history;
mod logging;
mod model;
pub mod score;
mod screenshot;
mod sft;
mod train;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

pub use exit::Failure;

/// A training cockpit in the terminal: teaches a small language model to write SQL with GRPO over a 4-bit base.
#[derive(Debug, Parser)]
#[command(name = "sqlr1-tui", version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::TrainArgs>),
    Sft(Box<sft::SftArgs>),
    Model(model::ModelArgs),
    Export(export::ExportArgs),
    Screenshot(screenshot::ScreenshotArgs),
    Data(data::DataArgs),
    Score(score::ScoreArgs),
}

const HOW_TO_START: &str = "fetch a model with `scripts/get-smollm2` (98 MB); it prints the path of the GGUF file
then train: sqlr1-tui train --model FILE.gguf --data SPIDER_DIR   (or --data builtin:demo; all flags: sqlr1-tui train --help)";

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            failure.code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None => {
            say(HOW_TO_START);
            Ok(())
        }
        Some(Command::Train(args)) => train::train(&args),
        Some(Command::Sft(args)) => sft::sft(&args),
        Some(Command::Model(args)) => model::model(&args),
        Some(Command::Export(args)) => export::export(&args),
        Some(Command::Screenshot(args)) => screenshot::screenshot(&args),
        Some(Command::Data(args)) => data::data(&args).map(|report| say(&report)),
        Some(Command::Score(args)) => Ok(score::run(&args, &mut std::io::stdout().lock())?),
    }
}

/// A line on stdout. A reader that has gone away wants no more of it.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(failure: &Failure) {
    let _ = writeln!(std::io::stderr(), "error: {failure}");
}
