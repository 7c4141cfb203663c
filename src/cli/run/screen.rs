//! The cockpit before a trainer in the same process.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::{runtime::Runtime, sync::mpsc::Receiver};

use crate::{
    cli::{Failure, history::StoredHistory},
    cockpit::{self, CockpitOptions, Feed, Leave, Left, Signal},
    rl::control::Remote,
    run::{
        bus::Bus,
        command::{Command, CommandSink},
        event::Record,
        folder::RunFolder,
    },
};

/// Shows the run until a person leaves or a signal comes, which it returns. Either way the trainer knows what it is to do.
///
/// # Errors
/// The terminal cannot be used; the trainer is then told to save and end.
pub fn watch(
    runtime: &Runtime,
    (viewer, bus): (Receiver<Arc<Record>>, &Bus),
    folder: &RunFolder,
    options: CockpitOptions,
    remote: &Remote,
) -> Result<Option<i32>, Failure> {
    let feed = Feed::live(viewer, bus.latest(), Arc::new(StoredHistory::new(&folder.store())));
    let commands: Arc<dyn CommandSink> = Arc::new(remote.clone());
    let drawn = catch_unwind(AssertUnwindSafe(|| runtime.block_on(cockpit::run(feed, Some(commands), options))));
    let Ok(shown) = drawn else {
        remote.signal();
        return Err(Failure::Run("internal error: the cockpit failed; what was trained is saved".into()));
    };
    let outcome = shown.map_err(|error| {
        remote.signal();
        Failure::Environment(error.to_string())
    })?;
    match outcome.left {
        Left::Key(Leave::Quit | Leave::Stopped) => {
            // To a trainer that has ended this says nothing; one that goes on unseen would be nobody's wish.
            remote.send(Command::Stop { checkpoint: true });
            Ok(None)
        }
        Left::Key(Leave::Abandoned) => {
            // Who asked to stop without a checkpoint still gets that; else what was trained is saved, but nothing more is waited for.
            remote.signal();
            Ok(None)
        }
        Left::Signal(signal) => {
            remote.signal();
            Ok(Some(number(signal)))
        }
    }
}

fn number(signal: Signal) -> i32 {
    use tokio::signal::unix::SignalKind;
    match signal {
        Signal::Interrupt => SignalKind::interrupt(),
        Signal::Terminate => SignalKind::terminate(),
        Signal::Hangup => SignalKind::hangup(),
    }
    .as_raw_value()
}
