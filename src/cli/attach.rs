//! `sqlr1-tui attach`: the cockpit of a run, again and from anywhere.

use std::{
    io::{IsTerminal, stdout},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    Failure,
    history::read_run,
    run::{
        screen::{self, Unshown, parting, taken_up_by},
        stages,
    },
    runs::{self, State},
    say, screenshot,
};
use crate::{
    cockpit::{App, CockpitOptions, Left, Outcome},
    plot::screen::{draw_run, text},
    remote::RemoteError,
    run::folder::{FolderError, RUNS, RunFolder},
    settings::Settings,
};

/// How long the next stage may take to begin: a trainer lets its exporters send the rest first.
const NEXT_STAGE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

/// Show a run in the cockpit: attached to its trainer, or as its store has it where there is none.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  sqlr1-tui attach
  sqlr1-tui attach 20260101-120000-grpo
  sqlr1-tui attach --once --size 100x30
  ssh -t host sqlr1-tui attach /home/ada/runs/20260101-120000-grpo

Leaving does not end the training unless you say so. Of several viewers one is in control; the key o takes it.")]
pub struct AttachArgs {
    /// A run folder, or the name of one under runs/ [default: the only one with a trainer at work, else the newest].
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// Print one frame as text and leave; needs no terminal.
    #[arg(long)]
    once: bool,
    /// Columns and rows of that frame [default: the terminal's, else 120x40].
    #[arg(long, value_name = "COLUMNSxROWS", requires = "once", value_parser = screenshot::size)]
    size: Option<(u16, u16)>,
    /// A past run, its folder or its name under runs/, to be drawn faintly under this one.
    #[arg(long, value_name = "RUN")]
    ghost: Option<PathBuf>,
}

/// Shows the run until the person leaves.
///
/// # Errors
/// There is no such run, or none that is meant; there is no terminal; the run fails meanwhile.
pub fn attach(args: &AttachArgs) -> Result<(), Failure> {
    let mut folder = args.run.as_deref().map_or_else(only, runs::named)?;
    if args.once {
        return once(&folder, args.size);
    }
    if !stdout().is_terminal() {
        return Err(Failure::Environment("attach needs a terminal; `sqlr1-tui runs` tells of runs without one".into()));
    }
    let look = screen::beside(look(&folder)?, args.ghost.as_deref())?;
    let root = folder.root().to_owned();
    let root = root.display();
    let at_work = folder.is_locked()?;
    if let Err(foreign @ FolderError::Foreign { .. }) = folder.require_own() {
        say(&format!("{foreign}; shown is what its store says"));
        return parting_from_store(&screen::stored(&folder, at_work, look)?, &folder, at_work);
    }
    if !at_work {
        say(&format!("no trainer is at work in {root}; shown is what its store says"));
        return parting_from_store(&screen::stored(&folder, false, look)?, &folder, false);
    }
    let shown = follow_stages(&mut folder, &look);
    match shown {
        Err(Unshown::Remote(
            why @ (RemoteError::Elsewhere { .. }
            | RemoteError::NoTrainer(_)
            | RemoteError::Io { .. }
            | RemoteError::Mute { .. }),
        )) => {
            say(&format!("{why}; shown is what its store says"));
            parting_from_store(&screen::stored(&folder, true, look)?, &folder, true)
        }
        shown => parting(&shown?, folder.root()),
    }
}

/// Prints what the cockpit shows of a run now.
fn once(folder: &RunFolder, size: Option<(u16, u16)>) -> Result<(), Failure> {
    let (columns, rows) = size.or_else(|| crossterm::terminal::size().ok()).unwrap_or((120, 40));
    let look = look(folder)?;
    let mut app = App::new(look.theme, look.symbols, None);
    app.arrange(&look.charts);
    app.ui.charts.log_x = look.log_x;
    for record in &read_run(folder)? {
        app.record(record);
    }
    if !folder.is_locked()? {
        app.run.no_trainer();
    }
    let drawn = draw_run(&mut app, &[], "", columns.clamp(1, 500), rows.clamp(1, 500));
    say(text(&drawn).trim_end());
    Ok(())
}

/// Shows the run, and after it the stages behind it, one after another, for as long as nobody leaves before a stage is done; `folder` is in
/// the end that of the last one shown.
fn follow_stages(folder: &mut RunFolder, look: &CockpitOptions) -> Result<Outcome, Unshown> {
    loop {
        let outcome = screen::attached(folder, look.clone())?;
        let done = outcome.ended.as_ref().is_some_and(|ended| ended.reason.is_done());
        let goes_on = done && matches!(outcome.left, Left::Key(_));
        let Some(next) = stages::follower(folder).filter(|_| goes_on).and_then(|next| at_work(&next)) else {
            return Ok(outcome);
        };
        *folder = next;
    }
}

/// The run that is about to begin in a folder, once its trainer is at work.
fn at_work(path: &Path) -> Option<RunFolder> {
    let until = Instant::now() + NEXT_STAGE;
    loop {
        // A trainer makes the folder, takes its lock and then opens its store.
        let folder = RunFolder::open(path).ok().filter(|folder| folder.note().is_file());
        if let Some(folder) = folder.filter(|folder| folder.is_locked().unwrap_or(false)) {
            return Some(folder);
        }
        if Instant::now() >= until {
            return None;
        }
        thread::sleep(LOOK);
    }
}

/// The look that the run was started with, as far as it can be had.
fn look(folder: &RunFolder) -> Result<CockpitOptions, Failure> {
    let stored = Settings::from_file(&folder.settings()).ok().and_then(|settings| screen::look(&settings).ok());
    stored.map_or_else(|| screen::look(&Settings::default()), Ok)
}

/// Nothing was at stake here: a run that had no trainer, or one that goes on without us.
fn parting_from_store(outcome: &Outcome, folder: &RunFolder, at_work: bool) -> Result<(), Failure> {
    if let Left::Signal(_) = outcome.left {
        return parting(outcome, folder.root());
    }
    if !at_work && folder.require_own().is_ok() {
        say(&format!("to go on with this run: {}", taken_up_by(outcome.command, folder.root())));
    }
    Ok(())
}

/// The run that is meant where none is named.
fn only() -> Result<RunFolder, Failure> {
    let runs = runs::list(Path::new(RUNS))?;
    let at_work: Vec<_> = runs.iter().filter(|run| matches!(run.state, State::Running | State::Paused)).collect();
    match (at_work.as_slice(), runs.last()) {
        ([run], _) => Ok(RunFolder::open(&run.path)?),
        ([], Some(newest)) => Ok(RunFolder::open(&newest.path)?),
        ([], None) => Err(Failure::Usage(format!("there are no runs in {RUNS}/ here; name a run folder"))),
        (several, _) => {
            let commands: Vec<_> = several.iter().map(|run| format!("  sqlr1-tui attach {}", run.name)).collect();
            Err(Failure::Usage(format!(
                "{} runs have a trainer at work; say which:\n{}",
                several.len(),
                commands.join("\n")
            )))
        }
    }
}
