//! Why trainer and viewer do not come together.

use std::{io, path::PathBuf};

/// A trainer cannot be attached to, or cannot let itself be attached to.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// An operation on a file failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The folder for sockets is not safe.
    #[error("the folder for sockets, {}, is not safe: {why}; remove it, or make it yours alone (chmod 700)", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Somebody listens there although the run's lock is free.
    #[error("another process listens on {}", .0.display())]
    Busy(PathBuf),
    /// The file that says where the trainer listens is not as a trainer writes it.
    #[error("{} does not say where the trainer listens: {why}", path.display())]
    Note {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The run has no trainer that listens.
    #[error("no trainer listens for the run in {}", .0.display())]
    NoTrainer(PathBuf),
    /// The trainer is at work on another machine.
    #[error("its trainer is at work on {host}: attach there, as in `ssh -t {host} sqlr1-tui attach {}`", run.display())]
    Elsewhere {
        /// The machine.
        host: String,
        /// The run folder.
        run: PathBuf,
    },
    /// The process behind the socket is another user's.
    #[error("the process that listens on {} belongs to another user (uid {owner})", socket.display())]
    Stranger {
        /// The socket.
        socket: PathBuf,
        /// The process's owner.
        owner: u32,
    },
    /// The trainer has another version.
    #[error(
        "the trainer speaks version {theirs} of the viewers' protocol (sqlr1-tui {program}), this program (sqlr1-tui {}) version {}; \
         attach with the program that started the run",
        env!("CARGO_PKG_VERSION"),
        super::protocol::PROTOCOL_VERSION
    )]
    Version {
        /// Its protocol.
        theirs: u32,
        /// Its program's version.
        program: String,
    },
    /// The trainer does not let this viewer in.
    #[error("the trainer does not let this viewer in: {0}")]
    Refused(String),
    /// What answers is no trainer, or a broken one.
    #[error("what listens on {} does not answer as a trainer does: {why}", socket.display())]
    Mute {
        /// The socket.
        socket: PathBuf,
        /// What it did.
        why: String,
    },
}

/// For `map_err`: an error with what was tried on which file.
pub(super) fn io_error(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> RemoteError {
    let path = path.into();
    move |source| RemoteError::Io { action, path, source }
}
