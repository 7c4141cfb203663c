//! `sqlr1-tui doctor`: whether this machine, this terminal and these files will do, and what to do where they will not.

mod disk;
mod files;
mod finding;
mod machine;
mod session;
mod surroundings;
mod terminal;

use std::path::{Path, PathBuf};

use clap::Args;

use self::{
    finding::{Finding, Verdict},
    surroundings::Surroundings,
};
use super::{Failure, flags, say, say_json};
use crate::{dirs, settings::Settings};

/// Look at device, memory, disk, terminal, files and session, and say what is amiss.
#[derive(Debug, Clone, Default, Args)]
#[command(
    after_long_help = "Each line is ok, a warning (training works, but slower or with less comfort) or a failure (training cannot work), with a
remedy where there is something to be done. Exit codes: 0 nothing fails, 3 something fails, 2 usage or configuration."
)]
pub struct DoctorArgs {
    /// The settings that are to run: a file, or the name of one in configs/, the user's folder or the program.
    #[arg(long, value_name = "FILE|NAME")]
    config: Option<PathBuf>,
    /// One setting, as in model.path=FILE.gguf; may be repeated, counts after the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Examines, and prints what was found.
///
/// # Errors
/// [`Failure::Environment`] if something fails, [`Failure::Usage`] for wrong settings.
pub fn doctor(args: &DoctorArgs) -> Result<(), Failure> {
    let settings = flags::settings(args.config.clone(), flags::sets(&args.sets)?)?;
    let findings = examine(&settings, &Surroundings::of_process());
    if args.json {
        say_json(&finding::json(&findings).to_string());
    } else {
        say(&finding::table(&findings));
    }
    let failed: Vec<&str> =
        findings.iter().filter(|found| found.verdict == Verdict::Fail).map(|found| found.name).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Environment(format!("training cannot work here yet: see {}", failed.join(", "))))
}

/// All that is looked at, in the order in which it is told.
fn examine(settings: &Settings, around: &Surroundings) -> Vec<Finding> {
    let runs = settings.run.dir.clone().unwrap_or_else(|| PathBuf::from("runs"));
    let mut findings =
        vec![machine::cpu(around), machine::device(&settings.run.device, around), machine::memory(around)];
    findings.push(disk::folder("run folder", &runs));
    findings.extend(dirs::cache().map(|cache| disk::folder("cache", &cache)));
    findings.extend(terminal::findings(around));
    findings.push(files::model(settings));
    findings.push(files::data(settings));
    findings.push(session::logind(around));
    findings.push(session::sockets(around, Path::new("/tmp")));
    findings
}

#[cfg(test)]
mod tests;
