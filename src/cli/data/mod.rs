//! `sqlr1-tui data`: makes data, looks them over, takes a part of them.

mod check;
mod generate;
mod subset;

use clap::{Args, Subcommand};

use super::{Failure, say};

/// Make data to train on, look data over, take a small part of them.
#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    Check(check::CheckArgs),
    Subset(subset::SubsetArgs),
    Generate(generate::GenerateArgs),
}

/// Does what the arguments say, and tells the user.
///
/// # Errors
/// [`Failure`] if the data are of no use, or nothing can be written.
pub fn data(args: &DataArgs) -> Result<(), Failure> {
    match &args.command {
        DataCommand::Check(args) => check::run(args, &mut super::printed(args.json)),
        DataCommand::Subset(args) => subset::run(args).map(|report| say(&report)),
        DataCommand::Generate(args) => generate::run(args).map(|report| say(&report)),
    }
}
