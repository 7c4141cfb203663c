//! What a cockpit may ask of a trainer. Every command is acknowledged by an event: a state, a checkpoint, an evaluation or a log line.

use serde::{Deserialize, Serialize};

/// A request to the trainer; obeyed at the next point where that is safe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Pause at the end of the step. Acknowledged by `pausing`, then `paused`.
    Pause,
    /// Go on. Acknowledged by `running`.
    Resume,
    /// Write a checkpoint at the end of the step. Acknowledged by `checkpoint`.
    Checkpoint,
    /// Evaluate on the held-out questions at the end of the step. Acknowledged by `eval`.
    Evaluate,
    /// End the run. Acknowledged by `stopping`, then `end`.
    Stop {
        /// Finish the step and write a checkpoint first; otherwise drop the step at once.
        checkpoint: bool,
    },
}

/// The way from a cockpit to a trainer.
///
/// Sending neither waits nor fails for the caller: what became of a command is told by events alone.
pub trait CommandSink: Send + Sync {
    /// Hands over a command.
    fn send(&self, command: Command);

    /// Asks to be the one whose commands count. Where nobody else can steer there is nothing to take.
    fn take_control(&self) {}
}
