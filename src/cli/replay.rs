//! `sqlr1-tui replay`: a stored run through the whole cockpit, with a clock.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    Failure,
    history::StoredHistory,
    run::screen::{beside, in_folder},
};
use crate::{
    cockpit::{self, CockpitError, CockpitOptions, Feed, Left, SPEEDS, Signal},
    run::{
        folder::RunFolder,
        store::{RunStore, StoreError},
    },
    settings::Settings,
};

/// Play a finished or a running run through the cockpit, step by step or at any speed.
#[derive(Debug, Clone, Args)]
#[command(
    after_long_help = "Keys: space plays and holds, , and . go a step back and on, < and > ten, { and } to start and end, : to a step,
+ and - change the speed; all keys that look at things work as in training. `?` lists them. The run is only read."
)]
pub struct ReplayArgs {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Seconds of the run in a second: 60 plays an hour in a minute.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Another run, its folder or its name under runs/, to be drawn faintly under this one.
    #[arg(long, value_name = "RUN")]
    ghost: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches(['x', '×']).parse::<f64>().ok();
    number
        .filter(|n| (SPEEDS.0..=SPEEDS.1).contains(n))
        .ok_or_else(|| format!("a number from {} to {} is wanted, as in 0.5 or 60", SPEEDS.0, SPEEDS.1))
}

/// Plays until the person leaves.
///
/// # Errors
/// There is no run, it cannot be read, or there is no terminal.
pub fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let folder = RunFolder::open(&args.run)?;
    // A store that cannot be used at all is told before the screen is taken; a damaged one is shown as far as it goes.
    match RunStore::open_read_only(&folder.store()) {
        Ok(_) | Err(StoreError::Damaged(_)) => {}
        Err(error) => return Err(Failure::Environment(error.to_string())),
    }
    // How it looks is no part of what happened: settings that cannot be read do not keep a run from being seen.
    let ui = Settings::from_file(&folder.settings()).map(|settings| settings.ui).unwrap_or_default();
    let options = CockpitOptions::from_environment(&ui).map_err(|e| Failure::Usage(e.to_string()))?;
    let options = beside(in_folder(options, &folder), args.ghost.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Environment(format!("cannot start the event loop: {e}")))?;
    let history = Arc::new(StoredHistory::new(&folder.store()));
    let feed = if folder.is_locked()? { Feed::following(history) } else { Feed::stored(history) };
    let outcome = runtime.block_on(cockpit::replay(feed, args.speed, options)).map_err(|error| match error {
        CockpitError::NoTerminal => {
            Failure::Usage("a replay needs a terminal; `export` and `screenshot` do without".into())
        }
        CockpitError::Terminal(_) => Failure::Environment(error.to_string()),
    })?;
    match outcome.left {
        Left::Key(_) => Ok(()),
        Left::Signal(Signal::Interrupt) => Err(Failure::Signal(2)),
        Left::Signal(Signal::Terminate) => Err(Failure::Signal(15)),
        Left::Signal(Signal::Hangup) => Err(Failure::Signal(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_positive_numbers() {
        assert_eq!((speed("60"), speed("0.5x")), (Ok(60.0), Ok(0.5)));
        for bad in ["0", "-1", "fast", "NaN", "inf", "1e9"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
    }
}
