//! Delivers records to viewers through bounded queues: a slow or dead viewer loses records, the trainer loses no time.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{
    mpsc::{self, Receiver, Sender, error::TrySendError},
    watch,
};

use super::event::{Event, Record};

/// Records that a viewer may lag behind before it loses some.
pub const QUEUE: usize = 1024;
/// Most records that are kept for those who come later.
const STANDING: usize = 16;

/// The viewers of a run. Clones share them.
#[derive(Debug, Clone)]
pub struct Bus {
    audience: Arc<Mutex<Audience>>,
    dropped: Arc<AtomicU64>,
    latest: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Audience {
    viewers: Vec<Viewer>,
    /// What was told since the last stored state and is in no store, as while the disk is full: who comes later must know it, too.
    standing: Vec<Arc<Record>>,
}

#[derive(Debug)]
struct Viewer {
    queue: Sender<Arc<Record>>,
    dropped: Arc<AtomicU64>,
}

/// A viewer's end of its queue.
#[derive(Debug)]
pub struct Subscription {
    /// What was published and had room.
    pub records: Receiver<Arc<Record>>,
    dropped: Arc<AtomicU64>,
}

impl Subscription {
    /// Records that had no room in this queue.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Audience {
    fn note(&mut self, record: &Arc<Record>) {
        match (&record.event, record.seq) {
            (Event::State(_), 1..) => self.standing.clear(),
            (Event::State(_) | Event::Log(_), 0) => {
                if self.standing.len() == STANDING {
                    self.standing.remove(0);
                }
                self.standing.push(Arc::clone(record));
            }
            _ => {}
        }
    }
}

impl Default for Bus {
    fn default() -> Self {
        let latest = Arc::new(watch::channel(0).0);
        Self { audience: Arc::default(), dropped: Arc::default(), latest }
    }
}

impl Bus {
    /// A queue that gets every record published from now on, as long as it has room. A viewer sees what it lost by a gap in
    /// [`Record::seq`] and reads it from the store.
    pub fn subscribe(&self) -> Subscription {
        let ((queue, records), dropped) = (mpsc::channel(QUEUE), Arc::<AtomicU64>::default());
        let viewer = Viewer { queue, dropped: Arc::clone(&dropped) };
        let mut audience = self.lock();
        for record in &audience.standing {
            // There is room: nothing else is in the queue yet.
            let _ = viewer.queue.try_send(Arc::clone(record));
        }
        audience.viewers.push(viewer);
        drop(audience);
        Subscription { records, dropped }
    }

    /// Hands a record to every viewer that has room, without waiting.
    pub fn publish(&self, record: &Arc<Record>) {
        let mut audience = self.lock();
        audience.note(record);
        audience.viewers.retain(|viewer| match viewer.queue.try_send(Arc::clone(record)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                viewer.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        if record.seq > 0 {
            self.latest.send_replace(record.seq);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sequence number of the newest stored record: by it a viewer sees that it lost the last ones.
    pub fn latest(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// Lets the viewers go: each gets what is still in its queue, then the end of it.
    pub fn close(&self) {
        self.lock().viewers.clear();
    }

    /// Records that some viewer had no room for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::{LogLevel, LogLine, RunState, StateChanged};

    #[test]
    fn a_viewer_that_does_not_read_loses_records_and_holds_nobody_up() {
        let bus = Bus::default();
        let (mut idle, gone) = (bus.subscribe(), bus.subscribe());
        drop(gone);
        let event = Event::Log(LogLine { level: LogLevel::Info, message: String::new() });
        for seq in 1..=(QUEUE as u64 + 3) {
            bus.publish(&Arc::new(Record { seq, time: 0.0, event: event.clone() }));
        }
        assert_eq!((bus.dropped(), idle.dropped()), (3, 3));
        assert_eq!(*bus.latest().borrow(), QUEUE as u64 + 3);
        assert_eq!(idle.records.try_recv().unwrap().seq, 1);
        bus.close();
        assert_eq!(std::iter::from_fn(|| idle.records.blocking_recv()).last().unwrap().seq, QUEUE as u64);
    }

    #[test]
    fn who_comes_later_is_told_what_is_in_no_store() {
        let bus = Bus::default();
        let publish = |seq, state| {
            let event = Event::State(StateChanged { state });
            bus.publish(&Arc::new(Record { seq, time: 0.0, event }));
        };
        publish(1, RunState::Running);
        publish(0, RunState::Paused);
        let mut late = bus.subscribe();
        assert_eq!(late.records.try_recv().unwrap().seq, 0);
        publish(2, RunState::Running);
        assert_eq!(late.records.try_recv().unwrap().seq, 2);
        assert!(bus.subscribe().records.try_recv().is_err(), "the store has the state now");
    }
}
