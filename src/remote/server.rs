//! The trainer's side: a socket, and whoever comes to it.

use std::{fs, future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

use super::{
    RemoteError,
    connection::{Shared, attend},
    hall::Hall,
    note::Note,
    protocol::Hello,
    socket,
};
use crate::run::{bus::Bus, command::CommandSink, folder::RunFolder};

/// Viewers at a time: more than people need, less than a trainer has files.
const MOST_VIEWERS: usize = 32;
/// How long viewers get to take the last records before the trainer ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// Pause after a connection that could not be accepted, as when there are no files left.
const AGAIN: Duration = Duration::from_millis(200);

/// How often it is looked whether the socket is still there: a session's runtime folder goes with its last login.
const LOOK: Duration = Duration::from_secs(5);

/// A trainer that can be attached to. Dropping it removes the socket and the note.
pub struct Server {
    listener: UnixListener,
    shared: Shared,
    viewers: JoinSet<()>,
    note: Note,
    folder: RunFolder,
    /// [`LOOK`], but for tests.
    pub(super) look: Duration,
}

impl Server {
    /// Listens for viewers of the run in `folder`, whose lock the caller holds, and says in the run folder where. To be called on a
    /// tokio runtime.
    ///
    /// # Errors
    /// There is no safe place for a socket, or the note cannot be written.
    pub fn bind(folder: &RunFolder, bus: Bus, commands: Arc<dyn CommandSink>) -> Result<Self, RemoteError> {
        let path = socket::path(&socket::folder()?, folder.root());
        let listener = socket::listen(&path)?;
        let hello = Hello::new(folder.root().to_string_lossy());
        let shared = Shared { bus, commands, hall: Hall::default(), hello };
        let note = Note::new(path);
        let viewers = JoinSet::new();
        let server = Self { listener, shared, viewers, note: note.clone(), folder: folder.clone(), look: LOOK };
        note.write(folder)?;
        Ok(server)
    }

    /// Listens anew, where there is a place for it, if the socket is gone. Viewers that are there stay.
    fn look_after_socket(&mut self) -> Result<(), RemoteError> {
        if self.note.socket.exists() {
            return Ok(());
        }
        let path = socket::path(&socket::folder()?, self.folder.root());
        let (listener, note) = (socket::listen(&path)?, Note::new(path));
        // Until the note is there nobody finds the socket: then it is tried again.
        note.write(&self.folder).inspect_err(|_| drop(fs::remove_file(&note.socket)))?;
        (self.listener, self.note) = (listener, note);
        tracing::info!("the socket was gone; viewers now find the trainer at {}", self.note.socket.display());
        Ok(())
    }

    /// Where it listens.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Lets viewers in until something comes about, and returns that.
    pub async fn serve_until<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        let mut looks = tokio::time::interval(self.look);
        let mut troubled = false;
        loop {
            tokio::select! {
                biased;
                come_about = &mut event => return come_about,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => self.admit(stream),
                    Err(error) => {
                        tracing::warn!("a viewer cannot be let in: {error}");
                        tokio::time::sleep(AGAIN).await;
                    }
                },
                _ = looks.tick() => {
                    let looked = self.look_after_socket();
                    if let (Err(error), false) = (&looked, troubled) {
                        tracing::warn!("the socket is gone, and viewers cannot attach until there is a place for it: {error}");
                    }
                    troubled = looked.is_err();
                }
                // Without a viewer there is none to wait for.
                Some(_) = self.viewers.join_next() => {}
            }
        }
    }

    fn admit(&mut self, stream: UnixStream) {
        match socket::stranger(&stream) {
            Ok(None) if self.viewers.len() < MOST_VIEWERS => {
                self.viewers.spawn(attend(stream, self.shared.clone()));
            }
            Ok(None) => tracing::warn!("a viewer is turned away: there are {MOST_VIEWERS} already"),
            Ok(Some(owner)) => tracing::warn!("a process of another user (uid {owner}) is turned away"),
            Err(error) => tracing::warn!("a viewer is turned away, the system does not say whose it is: {error}"),
        }
    }

    /// Gives viewers what is still on its way to them, and lets them go.
    pub async fn close(mut self) {
        self.shared.bus.close();
        let farewell = async { while self.viewers.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::info!("a viewer did not take the last events; they are in the run's store");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What stays behind is recognised as stale by the lock that is free.
        let _ = fs::remove_file(&self.note.socket);
        let _ = fs::remove_file(self.folder.note());
    }
}
