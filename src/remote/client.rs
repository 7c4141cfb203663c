//! A viewer's side: a trainer's records come in, commands go out.

use std::{fs, path::Path, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::{
    RemoteError,
    error::io_error,
    note::Note,
    protocol::{
        FromTrainer, FromViewer, Hello, MOST_FROM_TRAINER, MOST_FROM_VIEWER, PROTOCOL_VERSION, decode, encode,
        frames_in, frames_out,
    },
    socket,
};
use crate::run::{
    command::{Command, CommandSink},
    event::Record,
    folder::RunFolder,
    presence::Presence,
};

/// Records that wait here for the cockpit; what waits beyond them, waits (and is dropped) at the trainer's.
const QUEUE: usize = 256;
/// How long a trainer may take to answer: its thread for viewers is hardly ever busy.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last command may take to get out.
const FAREWELL: Duration = Duration::from_secs(2);

type Heard = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;
type Said = FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>;

/// A connection to a trainer.
pub struct Attached {
    /// Its records from now on; ends when the trainer hangs up.
    pub records: mpsc::Receiver<Arc<Record>>,
    /// The number of the newest stored record.
    pub latest: watch::Receiver<u64>,
    /// Who looks on and who steers.
    pub presence: watch::Receiver<Presence>,
    /// Takes commands.
    pub helm: Arc<Helm>,
    /// To be waited for at the end.
    pub farewell: Farewell,
}

/// The way of commands to a trainer in another process.
#[derive(Debug)]
pub struct Helm(mpsc::UnboundedSender<FromViewer>);

impl CommandSink for Helm {
    fn send(&self, command: Command) {
        // A connection that is gone is told by the records' end.
        let _ = self.0.send(FromViewer::Command(command));
    }

    fn take_control(&self) {
        let _ = self.0.send(FromViewer::TakeControl);
    }
}

/// Attaches to the trainer at work in a run folder, if there is one. To be called on a tokio runtime.
///
/// # Errors
/// The trainer is elsewhere, another user's, of another version, or does not answer.
pub async fn attach(folder: &RunFolder, name: &str) -> Result<Attached, RemoteError> {
    let note = Note::read(folder)?.ok_or_else(|| RemoteError::NoTrainer(folder.root().to_owned()))?;
    if !note.is_here() {
        return Err(RemoteError::Elsewhere { host: note.host, run: folder.root().to_owned() });
    }
    let path = &note.socket;
    let stream = UnixStream::connect(path).await.map_err(io_error("connect to the trainer at", path))?;
    if let Some(owner) = socket::stranger(&stream).map_err(io_error("see whose process is behind", path))? {
        return Err(RemoteError::Stranger { socket: path.clone(), owner });
    }
    let (read, write) = stream.into_split();
    let (mut heard, mut said) = (frames_in(read, MOST_FROM_TRAINER), frames_out(write, MOST_FROM_VIEWER));
    let theirs = timeout(PATIENCE, greet(&mut heard, path)).await.map_err(|_| mute(path, "it says nothing"))??;
    if theirs.protocol != PROTOCOL_VERSION {
        return Err(RemoteError::Version { theirs: theirs.protocol, program: theirs.program_version });
    }
    if theirs.name != folder.root().to_string_lossy() {
        return Err(mute(path, &format!("it trains in {}", theirs.shown_name())));
    }
    send(&mut said, &FromViewer::Hello(Hello::new(name))).await.map_err(io_error("greet the trainer at", path))?;
    let first = timeout(PATIENCE, welcome(&mut heard, path)).await.map_err(|_| mute(path, "it does not go on"))??;
    Ok(begin(heard, said, first))
}

fn mute(socket: &Path, why: &str) -> RemoteError {
    RemoteError::Mute { socket: socket.to_owned(), why: why.to_owned() }
}

async fn hear(heard: &mut Heard, socket: &Path) -> Result<FromTrainer, RemoteError> {
    let frame = heard.next().await.ok_or_else(|| mute(socket, "it hung up"))?;
    let frame = frame.map_err(|error| mute(socket, &error.to_string()))?;
    decode(&frame).map_err(|error| mute(socket, &error.to_string()))
}

async fn greet(heard: &mut Heard, socket: &Path) -> Result<Hello, RemoteError> {
    match hear(heard, socket).await? {
        FromTrainer::Hello(hello) => Ok(hello),
        FromTrainer::Refused(reason) => Err(RemoteError::Refused(reason)),
        _ => Err(mute(socket, "it did not begin with a hello")),
    }
}

/// What follows the hellos: the first news of who is there, or a refusal.
async fn welcome(heard: &mut Heard, socket: &Path) -> Result<Presence, RemoteError> {
    match hear(heard, socket).await? {
        FromTrainer::Presence(presence) => Ok(presence),
        FromTrainer::Refused(reason) => Err(RemoteError::Refused(reason)),
        _ => Err(mute(socket, "it did not say who is there")),
    }
}

async fn send(said: &mut Said, message: &FromViewer) -> std::io::Result<()> {
    said.send(encode(message).map_err(std::io::Error::other)?).await
}

fn begin(heard: Heard, mut said: Said, first: Presence) -> Attached {
    let (records, received) = mpsc::channel(QUEUE);
    let (latest, newest) = watch::channel(0);
    let (presence, seen) = watch::channel(first);
    tokio::spawn(listen(heard, records, latest, presence));
    let (helm, mut orders) = mpsc::unbounded_channel();
    let farewell = Farewell(tokio::spawn(async move {
        while let Some(message) = orders.recv().await {
            if send(&mut said, &message).await.is_err() {
                return;
            }
        }
    }));
    Attached { records: received, latest: newest, presence: seen, helm: Arc::new(Helm(helm)), farewell }
}

/// Hands on what the trainer says until it hangs up, or nobody is left to hand it to.
async fn listen(
    mut heard: Heard,
    records: mpsc::Sender<Arc<Record>>,
    latest: watch::Sender<u64>,
    presence: watch::Sender<Presence>,
) {
    while let Some(Ok(frame)) = heard.next().await {
        match decode(&frame) {
            Ok(FromTrainer::Record(record)) => {
                let seq = record.seq;
                if records.send(Arc::new(record)).await.is_err() {
                    return;
                }
                if seq > 0 {
                    latest.send_replace(seq);
                }
            }
            Ok(FromTrainer::Latest(seq)) => {
                latest.send_replace(seq);
            }
            Ok(FromTrainer::Presence(news)) => {
                presence.send_replace(news);
            }
            Ok(FromTrainer::Hello(_)) => {}
            Ok(FromTrainer::Refused(_)) => return,
            // A gap is left, which is filled from the store.
            Err(error) => tracing::warn!("a message of the trainer cannot be read: {error}"),
        }
    }
}

/// What is left of a connection when the cockpit has gone.
pub struct Farewell(JoinHandle<()>);

impl Farewell {
    /// Waits until the last command is out, once nobody holds the connection's [`Helm`] any more.
    pub async fn wait(self) {
        // What is not out by then meets a trainer that does not listen.
        let _ = timeout(FAREWELL, self.0).await;
    }
}

/// What this viewer says of itself: from where it comes, or its terminal, and its process.
pub fn own_name() -> String {
    let ssh = std::env::var("SSH_CONNECTION").ok();
    let ssh = ssh.as_deref().and_then(|line| line.split_whitespace().next()).map(|from| format!("ssh from {from}"));
    let terminal = || fs::read_link("/proc/self/fd/0").ok().filter(|path| path.starts_with("/dev"));
    let place =
        ssh.or_else(|| terminal().map(|path| path.display().to_string().trim_start_matches("/dev/").to_owned()));
    let pid = std::process::id();
    place.map_or_else(|| format!("process {pid}"), |place| format!("{place} (process {pid})"))
}
