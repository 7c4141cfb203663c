//! Signals of a headless trainer: the first asks it to save and end, the second ends it at once.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use crate::rl::control::Remote;

/// Waits for the trainer's end and passes signals on to it; the signal that came, if one did.
pub async fn until_ended(mut ended: oneshot::Receiver<()>, remote: &Remote) -> Option<i32> {
    let mut received = None;
    loop {
        tokio::select! {
            _ = &mut ended => return received,
            number = next() => {
                if received.is_some() {
                    std::process::exit(128 + number);
                }
                tracing::warn!("signal {number}: saving and ending; send it again to end at once");
                received = Some(number);
                remote.signal();
            }
        }
    }
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
