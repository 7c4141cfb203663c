//! A run: its trainer, here or in a process of its own, and the cockpit before it.

mod args;
mod herald;
mod launch;
pub mod screen;
mod signals;
pub mod stages;
mod trainer;

use std::io::{IsTerminal, stdout};

pub use args::{RunArgs, SettingArgs, require};
pub use herald::Herald;
pub use trainer::conduct;

use super::Failure;
use crate::settings::Settings;

/// Trains: in this process if it is headless or a cockpit has started it for that, else in one of its own, with the cockpit before
/// it. `train` gives what is left to be said in the end.
///
/// # Errors
/// See [`Failure`].
pub fn run(
    args: &RunArgs,
    settings: Settings,
    train: impl FnOnce(Settings, &mut Herald) -> Result<Option<String>, Failure>,
) -> Result<(), Failure> {
    if args.detached {
        let cannot = |e| Failure::Environment(format!("cannot leave the terminal's session: {e}"));
        let mut herald = Herald::detach().map_err(cannot)?;
        let ended = train(settings, &mut herald);
        herald.over(&ended);
        return match ended {
            Ok(text) => {
                note(text);
                Ok(())
            }
            Err(failure) => {
                tracing::error!("{failure}");
                Err(Failure::Told(failure.number()))
            }
        };
    }
    if args.headless || !stdout().is_terminal() {
        note(train(settings, &mut Herald::default())?);
        return Ok(());
    }
    launch::launch(&settings, args.ghost.as_deref())
}

/// Stdout belongs to the events.
fn note(text: Option<String>) {
    if let Some(text) = text {
        tracing::info!("{text}");
    }
}
