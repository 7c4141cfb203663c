//! The cockpit of a run: attached to its trainer, or before its store.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use crate::{
    cli::{Failure, history::StoredHistory, runs, say},
    cockpit::{self, CockpitError, CockpitOptions, Feed, History, Leave, Left, Outcome, PastRun, Signal},
    remote::{RemoteError, client},
    run::{
        command::CommandSink,
        event::{BestSoFar, EndReason},
        folder::{RunFolder, of_all_stages},
    },
    settings::Settings,
};

/// The look that settings and environment ask for.
///
/// # Errors
/// The theme cannot be had.
pub fn look(settings: &Settings) -> Result<CockpitOptions, Failure> {
    CockpitOptions::from_environment(&settings.ui).map_err(|e| Failure::Usage(e.to_string()))
}

/// The look with a past run beside the one on show, if one is named.
///
/// # Errors
/// There is no such run.
pub fn beside(mut look: CockpitOptions, ghost: Option<&Path>) -> Result<CockpitOptions, Failure> {
    if let Some(ghost) = ghost {
        let folder = runs::named(ghost)?;
        let name = folder.root().file_name().unwrap_or(folder.root().as_os_str()).to_string_lossy().into_owned();
        look.ghost = Some(PastRun::new(name, history(&folder)));
    }
    Ok(look)
}

/// Shows the run whose trainer is at work in a folder, until the person leaves.
///
/// # Errors
/// The trainer cannot be attached to, or the terminal cannot be used; the trainer does not mind.
pub fn attached(folder: &RunFolder, look: CockpitOptions) -> Result<Outcome, Unshown> {
    let (history, look) = (history(folder), in_folder(look, folder));
    shown(async move {
        let trainer = client::attach(folder, &client::own_name()).await?;
        let feed = Feed::live(trainer.records, trainer.latest, history).with_presence(trainer.presence);
        let commands: Arc<dyn CommandSink> = trainer.helm;
        let outcome = cockpit::run(feed, Some(commands), look).await;
        trainer.farewell.wait().await;
        Ok(outcome?)
    })
}

/// Shows what a run's store says; with `follow`, also what it will say.
///
/// # Errors
/// The terminal cannot be used.
pub fn stored(folder: &RunFolder, follow: bool, look: CockpitOptions) -> Result<Outcome, Unshown> {
    let (history, look) = (history(folder), in_folder(look, folder));
    let feed = if follow { Feed::following(history) } else { Feed::stored(history) };
    shown(async move { Ok(cockpit::run(feed, None, look).await?) })
}

/// The look for a run in its folder: where pictures go, if anything may be written there.
pub fn in_folder(mut look: CockpitOptions, folder: &RunFolder) -> CockpitOptions {
    look.place.run = Some(folder.root().to_owned());
    look.exports = folder.require_own().is_ok().then(|| folder.exports());
    look
}

fn history(folder: &RunFolder) -> Arc<dyn History> {
    Arc::new(StoredHistory::new(&folder.store()))
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Unshown {
    /// The trainer cannot be attached to.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The terminal cannot be used.
    #[error(transparent)]
    Cockpit(#[from] CockpitError),
    /// There is no event loop.
    #[error("cannot start the event loop: {0}")]
    Loop(#[from] std::io::Error),
    /// The cockpit has a flaw.
    #[error("internal error: the cockpit failed")]
    Panic,
}

impl From<Unshown> for Failure {
    fn from(error: Unshown) -> Self {
        match error {
            Unshown::Panic => Self::Run(error.to_string()),
            _ => Self::Environment(error.to_string()),
        }
    }
}

fn shown(work: impl Future<Output = Result<Outcome, Unshown>>) -> Result<Outcome, Unshown> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))).unwrap_or(Err(Unshown::Panic))
}

/// Says on the terminal what became of a run that was watched, and how to come back or go on.
///
/// # Errors
/// The run failed or lost its trainer before the person left, or a signal ended the cockpit.
pub fn parting(outcome: &Outcome, root: &Path) -> Result<(), Failure> {
    let back = format!("sqlr1-tui attach {}", root.display());
    let resume = format!("to go on: {}", taken_up_by(outcome.command, root));
    if let Some(ended) = &outcome.ended {
        if ended.reason == EndReason::Failed {
            return Err(Failure::Run(ended.message.clone().unwrap_or_default()));
        }
        let done = match ended.reason {
            EndReason::Completed => "finished",
            EndReason::EarlyStopped => "ended early",
            _ => "stopped",
        };
        let best = ended.best.as_ref().map_or_else(String::new, best_line);
        say(&format!("{done} after step {}; the run is in {}\n{best}{resume}", ended.step, root.display()));
        return Ok(());
    }
    if outcome.is_lost {
        let safe = match &outcome.checkpoint {
            Some(path) => format!("its newest checkpoint is safe: {}", path.display()),
            None => "it had no checkpoint yet".to_owned(),
        };
        let log = root.join("trainer.log");
        let log = if log.is_file() { format!(" (its log: {})", log.display()) } else { String::new() };
        let step = outcome.step;
        return Err(Failure::Run(format!(
            "the trainer is gone since step {step} without saying why{log}; {safe}\n{resume}"
        )));
    }
    match outcome.left {
        Left::Key(Leave::Unwaited) => {
            say(&format!("the trainer was told to stop and ends by itself; to look at it: {back}\n{resume}"));
        }
        Left::Key(_) => say(&format!("training goes on in {}\nto come back: {back}", root.display())),
        Left::Signal(signal) => {
            say(&format!("training goes on in {}\nto come back: {back}", root.display()));
            return Err(Failure::Signal(number(signal)));
        }
    }
    Ok(())
}

/// The command line that takes a run up again, which one of this command began: that for all stages, where it is one of several.
pub fn taken_up_by(command: &str, root: &Path) -> String {
    let (command, root) = of_all_stages(root).map_or((command, root), |whole| ("train", whole));
    format!("sqlr1-tui {command} --resume --run-dir {}", root.display())
}

/// The best evaluation in a line.
fn best_line(best: &BestSoFar) -> String {
    let kept = best.checkpoint.as_ref().map_or_else(String::new, |path| format!(", kept in {}", path.display()));
    format!("best held-out accuracy: {:.1} % at step {}{kept}\n", best.execution_accuracy * 100.0, best.step)
}

/// A signal's number.
pub fn number(signal: Signal) -> i32 {
    use tokio::signal::unix::SignalKind;
    match signal {
        Signal::Interrupt => SignalKind::interrupt(),
        Signal::Terminate => SignalKind::terminate(),
        Signal::Hangup => SignalKind::hangup(),
    }
    .as_raw_value()
}
