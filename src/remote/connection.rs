//! One viewer, from the trainer's side.

use std::{io, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::{
    hall::{Hall, Seat},
    protocol::{
        FromTrainer, FromViewer, Hello, MOST_FROM_TRAINER, MOST_FROM_VIEWER, PROTOCOL_VERSION, decode, encode,
        encode_record, frames_in, frames_out,
    },
};
use crate::run::{
    bus::{Bus, Subscription},
    command::CommandSink,
};

/// How long a viewer may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

type Heard = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;
type Said = FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>;

/// What all connections of a trainer share.
#[derive(Clone)]
pub struct Shared {
    /// Where records come from.
    pub bus: Bus,
    /// Where commands go.
    pub commands: Arc<dyn CommandSink>,
    /// Who is there.
    pub hall: Hall,
    /// What the trainer says first.
    pub hello: Hello,
}

/// Serves a viewer until it leaves or the bus is closed. Only this viewer waits for what it does not read.
pub async fn attend(stream: UnixStream, shared: Shared) {
    if let Err(error) = converse(stream, shared).await {
        tracing::debug!("a viewer is gone: {error}");
    }
}

async fn converse(stream: UnixStream, shared: Shared) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let (mut heard, mut said) = (frames_in(read, MOST_FROM_VIEWER), frames_out(write, MOST_FROM_TRAINER));
    say(&mut said, &FromTrainer::Hello(shared.hello.clone())).await?;
    let greeted = tokio::time::timeout(PATIENCE, greet(&mut heard)).await;
    let hello = match greeted.unwrap_or_else(|_| Err("it did not say who it is".into())) {
        Ok(hello) => hello,
        Err(reason) => {
            tracing::warn!("a viewer is refused: {reason}");
            return say(&mut said, &FromTrainer::Refused(reason)).await;
        }
    };
    let seat = shared.hall.enter(hello.shown_name());
    let (subscription, latest) = (shared.bus.subscribe(), shared.bus.latest());
    tokio::select! {
        told = tell(&mut said, &seat, subscription, latest) => told,
        obeyed = obey(&mut heard, &seat, shared.commands.as_ref()) => obeyed,
    }
}

/// The viewer's hello, or why it is refused.
async fn greet(heard: &mut Heard) -> Result<Hello, String> {
    let frame = match heard.next().await {
        Some(Ok(frame)) => frame,
        Some(Err(error)) => return Err(error.to_string()),
        None => return Err("it left without a word".into()),
    };
    match decode(&frame) {
        Ok(FromViewer::Hello(hello)) if hello.protocol == PROTOCOL_VERSION => Ok(hello),
        Ok(FromViewer::Hello(hello)) => Err(format!(
            "it speaks version {} of the viewers' protocol (sqlr1-tui {}), the trainer version {PROTOCOL_VERSION} (sqlr1-tui {})",
            hello.protocol,
            hello.program_version,
            env!("CARGO_PKG_VERSION")
        )),
        Ok(_) => Err("it did not begin with a hello".into()),
        Err(error) => Err(format!("its first message is none: {error}")),
    }
}

async fn say(said: &mut Said, message: &FromTrainer) -> io::Result<()> {
    said.send(encode(message).map_err(io::Error::other)?).await
}

/// Passes records and news of the viewers on, until the bus is closed.
async fn tell(
    said: &mut Said,
    seat: &Seat,
    mut subscription: Subscription,
    mut latest: watch::Receiver<u64>,
) -> io::Result<()> {
    let (mut changes, mut told, mut newest) = (seat.changes(), None, 0);
    loop {
        // Counted while the viewer lags behind, and told when it has caught up.
        let dropped = subscription.dropped();
        let presence = seat.presence(dropped);
        if told.as_ref() != Some(&presence) && (told.is_none() || subscription.records.is_empty()) {
            say(said, &FromTrainer::Presence(presence.clone())).await?;
            told = Some(presence);
        }
        tokio::select! {
            biased;
            record = subscription.records.recv() => {
                let Some(record) = record else { return Ok(()) };
                let bytes = encode_record(&record).map_err(io::Error::other)?;
                if bytes.len() <= MOST_FROM_TRAINER {
                    newest = newest.max(record.seq);
                    said.send(bytes).await?;
                }
            }
            stored = latest.changed() => {
                stored.map_err(io::Error::other)?;
                let stored = *latest.borrow_and_update();
                if subscription.records.is_empty() && stored > newest {
                    newest = stored;
                    say(said, &FromTrainer::Latest(stored)).await?;
                }
            }
            seated = changes.changed() => seated.map_err(io::Error::other)?,
        }
    }
}

/// Does what a viewer asks for, if it may.
async fn obey(heard: &mut Heard, seat: &Seat, commands: &dyn CommandSink) -> io::Result<()> {
    while let Some(frame) = heard.next().await {
        match decode(&frame?).map_err(io::Error::other)? {
            FromViewer::Command(command) if seat.is_in_control() => commands.send(command),
            FromViewer::Command(_) => seat.refuse(),
            FromViewer::TakeControl => seat.take_control(),
            FromViewer::Hello(_) => return Err(io::Error::other("a second hello")),
        }
    }
    Ok(())
}
