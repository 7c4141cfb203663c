//! Delivers records to viewers through bounded queues: a slow or dead viewer loses records, the trainer loses no time.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{
    mpsc::{self, Receiver, Sender, error::TrySendError},
    watch,
};

use super::event::Record;

/// Records that a viewer may lag behind before it loses some.
pub const QUEUE: usize = 1024;

/// The viewers of a run. Clones share them.
#[derive(Debug, Clone)]
pub struct Bus {
    viewers: Arc<Mutex<Vec<Sender<Arc<Record>>>>>,
    dropped: Arc<AtomicU64>,
    latest: Arc<watch::Sender<u64>>,
}

impl Default for Bus {
    fn default() -> Self {
        let latest = Arc::new(watch::channel(0).0);
        Self { viewers: Arc::default(), dropped: Arc::default(), latest }
    }
}

impl Bus {
    /// A queue that gets every record published from now on, as long as it has room. A viewer sees what it lost by a gap in
    /// [`Record::seq`] and reads it from the store.
    pub fn subscribe(&self) -> Receiver<Arc<Record>> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Hands a record to every viewer that has room, without waiting.
    pub fn publish(&self, record: &Arc<Record>) {
        let mut viewers = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        viewers.retain(|viewer| match viewer.try_send(Arc::clone(record)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        if record.seq > 0 {
            self.latest.send_replace(record.seq);
        }
    }

    /// The sequence number of the newest stored record: by it a viewer sees that it lost the last ones.
    pub fn latest(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// Records that some viewer had no room for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::{Event, LogLevel, LogLine};

    #[test]
    fn a_viewer_that_does_not_read_loses_records_and_holds_nobody_up() {
        let bus = Bus::default();
        let (mut idle, gone) = (bus.subscribe(), bus.subscribe());
        drop(gone);
        let event = Event::Log(LogLine { level: LogLevel::Info, message: String::new() });
        for seq in 1..=(QUEUE as u64 + 3) {
            bus.publish(&Arc::new(Record { seq, time: 0.0, event: event.clone() }));
        }
        assert_eq!(bus.dropped(), 3);
        assert_eq!(*bus.latest().borrow(), QUEUE as u64 + 3);
        assert_eq!(idle.try_recv().unwrap().seq, 1);
    }
}
