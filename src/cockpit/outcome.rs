//! How a cockpit ends: by a key, by a signal, or because it cannot go on.

use std::{io, path::PathBuf};

use tokio::signal::unix::{self, SignalKind};

use super::app::Leave;
use crate::run::event::RunEnded;

/// The cockpit could not go on.
#[derive(Debug, thiserror::Error)]
pub enum CockpitError {
    /// There is no terminal to draw on.
    #[error("standard output is no terminal: use --headless, or run in a terminal")]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
}

/// A signal that ends the cockpit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

/// Why the cockpit was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// By a key; the trainer was told what it needs to know.
    Key(Leave),
    /// By a signal; the trainer was told nothing.
    Signal(Signal),
}

/// How a cockpit ended. The terminal is the shell's again by then.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why it was left.
    pub left: Left,
    /// How the run ended, if it had ended by then.
    pub ended: Option<RunEnded>,
    /// Whether it had no trainer then although it had not ended.
    pub is_lost: bool,
    /// Its step.
    pub step: u64,
    /// The command that goes on with the run.
    pub command: &'static str,
    /// Its newest checkpoint.
    pub checkpoint: Option<PathBuf>,
}

/// The signals that end the cockpit, caught for as long as it runs.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    /// Starts to catch them.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}
