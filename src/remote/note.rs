//! The file in a run folder that says where its trainer listens.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{RemoteError, io_error};
use crate::run::{atomic, folder::RunFolder};

/// Where a trainer listens. That the file is there does not say that the trainer still is: [`RunFolder::is_locked`] does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The socket, an absolute path.
    pub socket: PathBuf,
    /// The trainer's process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// The trainer's program.
    pub program_version: String,
}

impl Note {
    /// This process's.
    pub fn new(socket: PathBuf) -> Self {
        let program_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { socket, pid: std::process::id(), host: this_host(), program_version }
    }

    /// Puts the note into a run folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), RemoteError> {
        let path = folder.note();
        let text = serde_json::to_vec_pretty(self).map_err(|e| io_error("write", &path)(io::Error::other(e)))?;
        atomic::write(&path, &text).map_err(io_error("write", &path))
    }

    /// The note in a run folder, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or is no note.
    pub fn read(folder: &RunFolder) -> Result<Option<Self>, RemoteError> {
        let path = folder.note();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let wrong = |why: String| RemoteError::Note { path: path.clone(), why };
        let note: Self = serde_json::from_slice(&text).map_err(|e| wrong(e.to_string()))?;
        if note.socket.is_absolute() { Ok(Some(note)) } else { Err(wrong("the socket's path is not absolute".into())) }
    }

    /// Whether the trainer is on this machine.
    pub fn is_here(&self) -> bool {
        self.host == this_host()
    }
}

/// The name of this machine.
fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_and_rubbish_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        assert_eq!(Note::read(&folder).unwrap(), None);
        let note = Note::new("/run/user/0/sqlr1-tui/1.sock".into());
        note.write(&folder).unwrap();
        assert_eq!(Note::read(&folder).unwrap(), Some(note.clone()));
        assert!(note.is_here());
        Note { socket: "1.sock".into(), ..note }.write(&folder).unwrap();
        assert!(Note::read(&folder).unwrap_err().to_string().contains("trainer.json"));
        fs::write(folder.note(), "{").unwrap();
        assert!(matches!(Note::read(&folder), Err(RemoteError::Note { .. })));
    }
}
