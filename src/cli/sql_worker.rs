//! `sqlr1-tui sql-worker`, hidden: what the program is to itself, see [`crate::sql`].

use clap::Args;

use super::Failure;
use crate::sql::worker::{Provisions, serve};

/// Execute the queries that come in frames on stdin, for the `sqlr1-tui` that started this one.
#[derive(Debug, Args)]
pub struct SqlWorkerArgs {
    /// Megabytes of memory beyond what the program takes by itself.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    memory_mb: u64,
}

/// Works until stdin is closed.
///
/// # Errors
/// [`Failure::Environment`] if the system refuses a limit, or the pipe fails.
pub fn sql_worker(args: &SqlWorkerArgs) -> Result<(), Failure> {
    serve(Provisions { memory_mb: args.memory_mb }).map_err(|error| Failure::Environment(error.to_string()))
}
