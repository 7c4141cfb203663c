//! Signals while no cockpit is there to take them: the first asks the trainer to save and end, a later one ends it at once.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::rl::control::Remote;

/// Signals that end a trainer.
const KINDS: [fn() -> SignalKind; 3] = [SignalKind::interrupt, SignalKind::terminate, SignalKind::hangup];

/// The newest signal that this process was sent since [`listen`]; 0 is none.
static RECEIVED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Starts to catch signals, for as long as the process lives: also where no trainer is at work, as between two stages, none is lost.
/// Whoever calls this has to look at [`received`].
///
/// # Errors
/// The system refuses.
pub fn listen() -> std::io::Result<()> {
    KINDS.iter().try_for_each(|kind| {
        let number = kind().as_raw_value();
        let value = usize::try_from(number).unwrap_or_default();
        signal_hook::flag::register_usize(number, Arc::clone(&RECEIVED), value).map(|_| ())
    })
}

/// The signal that this process was sent since [`listen`], whatever was at work then.
pub fn received() -> Option<i32> {
    i32::try_from(RECEIVED.load(Ordering::Relaxed)).ok().filter(|number| *number != 0)
}

/// Waits for the trainer's end and passes signals on to it; the signal that came, if one did. One that came since [`listen`] counts too.
pub async fn until_ended(mut ended: oneshot::Receiver<()>, remote: &Remote) -> Option<i32> {
    let mut first: Option<(i32, Instant)> = None;
    let mut streams = Streams::open();
    let mut early = received();
    loop {
        let number = if let Some(number) = early.take() {
            number
        } else {
            tokio::select! {
                _ = &mut ended => return first.map(|(number, _)| number),
                number = streams.next() => number,
            }
        };
        match first {
            None => {
                tracing::warn!("signal {number}: saving and ending; send it again to end at once");
                first = Some((number, Instant::now()));
                remote.signal();
            }
            Some((_, first)) if is_insistent(number, first.elapsed()) => std::process::exit(128 + number),
            Some(_) => {}
        }
    }
}

/// A terminal that closes, or a service manager, may send several signals at once: only a later SIGINT or SIGTERM is somebody who
/// will not wait.
fn is_insistent(number: i32, since_first: Duration) -> bool {
    number != SignalKind::hangup().as_raw_value() && since_first > Duration::from_secs(1)
}

/// SIGINT, SIGTERM and SIGHUP as the event loop has them.
struct Streams(Vec<(i32, Signal)>);

impl Streams {
    fn open() -> Self {
        let open = |kind: &fn() -> SignalKind| signal(kind()).ok().map(|stream| (kind().as_raw_value(), stream));
        Self(KINDS.iter().filter_map(open).collect())
    }

    /// The next one; it never comes where the system gave none of them.
    async fn next(&mut self) -> i32 {
        let waits = self.0.iter_mut().map(|(number, stream)| {
            Box::pin(async move {
                stream.recv().await;
                *number
            })
        });
        let waits: Vec<_> = waits.collect();
        if waits.is_empty() { std::future::pending().await } else { futures::future::select_all(waits).await.0 }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;
    use crate::rl::control;

    #[test]
    fn a_signal_between_two_trainers_reaches_the_next_one() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        listen().unwrap();
        let (tell, ended) = oneshot::channel();
        let (remote, _control) = control::line();
        tell.send(()).unwrap();
        assert_eq!(runtime().block_on(until_ended(ended, &remote)), None);
        // No event loop is there to hear it.
        kill_process(getpid(), Signal::HUP).unwrap();
        let hangup = SignalKind::hangup().as_raw_value();
        while received().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(received(), Some(hangup));
        let (tell, ended) = oneshot::channel();
        let (remote, mut control) = control::line();
        let waiting = std::thread::spawn(move || runtime().block_on(until_ended(ended, &remote)));
        while control.poll().stop.is_none() {
            std::thread::yield_now();
        }
        tell.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), Some(hangup));
    }
}
