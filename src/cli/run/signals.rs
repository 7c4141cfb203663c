//! Signals while no cockpit is there to take them: the first asks the trainer to save and end, a later one ends it at once.

use std::{
    sync::atomic::{AtomicI32, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use crate::rl::control::Remote;

/// The first signal that this process was sent while it trained; 0 is none.
static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// The first signal that this process was sent while it trained, also if what it trained was done by then.
pub fn received() -> Option<i32> {
    Some(RECEIVED.load(Ordering::Relaxed)).filter(|number| *number != 0)
}

/// Waits for the trainer's end and passes signals on to it; the signal that came, if one did.
pub async fn until_ended(mut ended: oneshot::Receiver<()>, remote: &Remote) -> Option<i32> {
    let mut received: Option<(i32, Instant)> = None;
    loop {
        tokio::select! {
            _ = &mut ended => return received.map(|(number, _)| number),
            number = next() => match received {
                None => {
                    tracing::warn!("signal {number}: saving and ending; send it again to end at once");
                    received = Some((number, Instant::now()));
                    RECEIVED.store(number, Ordering::Relaxed);
                    remote.signal();
                }
                Some((_, first)) if is_insistent(number, first.elapsed()) => std::process::exit(128 + number),
                Some(_) => {}
            }
        }
    }
}

/// A terminal that closes, or a service manager, may send several signals at once: only a later SIGINT or SIGTERM is somebody who
/// will not wait.
fn is_insistent(number: i32, since_first: Duration) -> bool {
    number != SignalKind::hangup().as_raw_value() && since_first > Duration::from_secs(1)
}

/// The next SIGINT, SIGTERM or SIGHUP.
pub async fn next() -> i32 {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let mut streams: Vec<_> =
        kinds.into_iter().filter_map(|kind| signal(kind).ok().map(|s| (kind.as_raw_value(), s))).collect();
    let waits = streams.iter_mut().map(|(number, stream)| {
        Box::pin(async move {
            stream.recv().await;
            *number
        })
    });
    futures::future::select_all(waits).await.0
}
