//! The command line.

mod ablate;
mod attach;
mod bench;
mod data;
mod doctor;
mod estimate;
mod eval;
mod exit;
mod export;
mod fetching;
mod flags;
mod history;
mod keys;
mod logging;
mod model;
mod replay;
mod run;
mod runs;
pub mod score;
mod screenshot;
mod sft;
mod sql_worker;
mod theme;
mod train;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

pub use exit::Failure;

use crate::{
    harmless::{self, Harmless},
    sql::{Sandbox, WorkerProgram},
};

/// A training cockpit in the terminal: teaches a small language model to write SQL with GRPO over a 4-bit base.
///
/// Without a command it trains the built-in model on the built-in data: a demonstration of some minutes.
#[derive(Debug, Parser)]
#[command(name = "sqlr1-tui", version, about, max_term_width = 110, override_usage = "sqlr1-tui [COMMAND]")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::TrainArgs>),
    Sft(Box<sft::SftArgs>),
    Ablate(Box<ablate::AblateArgs>),
    Estimate(Box<estimate::EstimateArgs>),
    Attach(attach::AttachArgs),
    Runs(runs::RunsArgs),
    Eval(Box<eval::EvalArgs>),
    Model(model::ModelArgs),
    Replay(replay::ReplayArgs),
    Export(export::ExportArgs),
    Screenshot(screenshot::ScreenshotArgs),
    Keys(keys::KeysArgs),
    Theme(theme::ThemeArgs),
    Doctor(doctor::DoctorArgs),
    Data(data::DataArgs),
    Score(score::ScoreArgs),
    Bench(bench::BenchArgs),
    #[command(hide = true)]
    SqlWorker(sql_worker::SqlWorkerArgs),
}

/// What the program does when it is told nothing.
const DEMO: [&str; 3] = ["train", "--config", "demo"];

/// The words of the command, the demonstration's if there are none.
fn command_line() -> Vec<OsString> {
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.len() < 2 {
        words.extend(DEMO.map(OsString::from));
    }
    words
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(command_line()) {
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
        Command::Train(args) => train::train(&args),
        Command::Sft(args) => sft::sft(&args),
        Command::Ablate(args) => ablate::ablate(&args),
        Command::Estimate(args) => estimate::run(&args),
        Command::Attach(args) => attach::attach(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Eval(args) => eval::eval(&args),
        Command::Model(args) => model::model(&args),
        Command::Export(args) => export::export(&args),
        Command::Screenshot(args) => screenshot::screenshot(&args),
        Command::Keys(args) => keys::keys(&args),
        Command::Theme(args) => theme::theme(&args),
        Command::Data(args) => data::data(&args),
        Command::SqlWorker(args) => sql_worker::sql_worker(&args),
        Command::Score(args) => score(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Doctor(args) => doctor::doctor(&args),
    }
}

fn score(args: &score::ScoreArgs) -> Result<(), Failure> {
    let sandbox = Sandbox::in_workers(&args.limits(), WorkerProgram::this()?)?;
    Ok(score::run(args, sandbox, &mut printed(args.json))?)
}

/// A line on stdout. A reader that has gone away wants no more of it.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", harmless::text(text));
}

/// The same of JSON, whose values stay what they are.
fn say_json(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", harmless::json(text));
}

/// Stdout for what holds text from outside.
fn printed(json: bool) -> Box<dyn Write> {
    let stdout = std::io::BufWriter::new(std::io::stdout());
    if json { Box::new(Harmless::json(stdout)) } else { Box::new(Harmless::text(stdout)) }
}

/// A line on stderr about something that is not as it should be, and does not keep the program from its work.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "warning: {}", harmless::text(text));
}

fn complain(failure: &Failure) {
    if matches!(failure, Failure::Told(_)) {
        return;
    }
    let _ = writeln!(std::io::stderr(), "error: {}", harmless::text(&failure.to_string()));
}
