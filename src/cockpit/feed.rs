//! Where a cockpit's records come from: a bounded queue that may drop some, and the store that has them all.

use std::{collections::VecDeque, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    history::{History, HistoryError},
    state::Samples,
};
use crate::run::{event::Record, presence::Presence, store::Portion};

/// A source of records for [`run`](super::run).
///
/// The trainer's side drops what does not fit in the queue rather than wait, and then says in `latest` which stored
/// record was the newest; the feed fills such gaps from the history.
pub struct Feed {
    records: Option<mpsc::Receiver<Arc<Record>>>,
    latest: Option<watch::Receiver<u64>>,
    presence: Option<watch::Receiver<Presence>>,
    /// How often the store is read anew where nothing else tells of new records.
    pace: Option<Duration>,
    due: Option<Instant>,
    history: Arc<dyn History>,
    fetch: Option<Fetch>,
    /// Whether the past is wanted with all its groups.
    whole: bool,
    /// What was read of the store and not yet handed out.
    fetched: VecDeque<Arc<Record>>,
    held: Option<Arc<Record>>,
    begun: bool,
    tried: u64,
    closing: bool,
}

/// What a thread reads of the store.
struct Fetch {
    portions: mpsc::Receiver<Portion>,
    thread: JoinHandle<Result<(), HistoryError>>,
}

/// What a feed hands out.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Records, in order; some may have been handed out before.
    Records(Vec<Arc<Record>>),
    /// The same, and more that was read with them follows at once.
    Portion(Vec<Arc<Record>>),
    /// So many records of the past follow; so many groups of it stay in the store.
    Coming { records: u64, left_out: u64 },
    /// What was handed out is void; all of it follows anew.
    Anew,
    /// The store could not be read; what the queue has still comes.
    Failed(HistoryError),
    /// Who looks on and who steers.
    Presence(Presence),
    /// There is no trainer; comes once, after the past.
    NoTrainer,
    /// The trainer hung up. Nothing comes after this.
    Closed,
}

/// How often the store of a trainer out of reach is read.
const PACE: Duration = Duration::from_secs(1);
/// Records handed out at a time, so that keys are looked at in between.
const BATCH: usize = 256;
/// Portions that the reading thread may be ahead.
const AHEAD: usize = 4;
const FAILED: &str = "the reading thread failed";

impl Feed {
    /// Records of a trainer at work. `latest` is the sequence number of the newest stored record, set by the trainer's side after it
    /// has offered the record to the queue.
    pub fn live(records: mpsc::Receiver<Arc<Record>>, latest: watch::Receiver<u64>, history: Arc<dyn History>) -> Self {
        Self { records: Some(records), latest: Some(latest), ..Self::stored(history) }
    }

    /// Records of a stored run that no trainer is at work on.
    pub fn stored(history: Arc<dyn History>) -> Self {
        Self {
            records: None,
            latest: None,
            presence: None,
            pace: None,
            due: None,
            history,
            fetch: None,
            whole: false,
            fetched: VecDeque::new(),
            held: None,
            begun: false,
            tried: 0,
            closing: false,
        }
    }

    /// Records of a run whose trainer is at work but out of reach: its store is read again and again.
    pub fn following(history: Arc<dyn History>) -> Self {
        Self { pace: Some(PACE), ..Self::stored(history) }
    }

    /// Tells of the other viewers, too.
    #[must_use]
    pub fn with_presence(self, mut presence: watch::Receiver<Presence>) -> Self {
        presence.mark_changed();
        Self { presence: Some(presence), ..self }
    }

    /// Hands the past out with all its groups, however many: for who plays them.
    #[must_use]
    pub(super) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Begins to read the past before anybody asks for it.
    pub(super) fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.start_fetch(0);
        }
    }

    /// The stored records.
    pub fn history(&self) -> Arc<dyn History> {
        Arc::clone(&self.history)
    }

    /// Waits for records after `last_seq`. May be dropped while it waits without losing any.
    pub(super) async fn next(&mut self, last_seq: u64) -> Delivery {
        loop {
            if self.fetch.is_some() || !self.fetched.is_empty() {
                return self.fetched().await;
            }
            if let Some(held) = self.held.take() {
                // The gap before it could not be filled.
                return Delivery::Records(vec![held]);
            }
            if !self.begun {
                self.begin();
                continue;
            }
            if self.behind(last_seq) {
                self.start_fetch(last_seq);
                continue;
            }
            let Some(records) = &mut self.records else { return self.without_trainer(last_seq).await };
            let received = tokio::select! {
                biased;
                () = changed(&mut self.presence) => {
                    let news = self.presence.as_mut().map(|presence| presence.borrow_and_update().clone());
                    return Delivery::Presence(news.unwrap_or_default());
                }
                received = records.recv() => received,
                () = changed(&mut self.latest) => continue,
            };
            match received {
                Some(record) => match self.take_batch(record, last_seq) {
                    batch if batch.is_empty() => self.start_fetch(last_seq),
                    batch => return Delivery::Records(batch),
                },
                None if self.closing => {
                    self.records = None;
                    return Delivery::Closed;
                }
                None => {
                    // The last records may be the very ones that were dropped.
                    self.closing = true;
                    self.start_fetch(last_seq);
                }
            }
        }
    }

    /// What comes where no trainer is attached to: word of that once, then what the store has got meanwhile, if it is looked at.
    async fn without_trainer(&mut self, last_seq: u64) -> Delivery {
        if !self.closing {
            self.closing = true;
            if self.pace.is_none() {
                return Delivery::NoTrainer;
            }
        }
        let Some(pace) = self.pace else { return std::future::pending().await };
        tokio::time::sleep_until(*self.due.get_or_insert_with(|| Instant::now() + pace)).await;
        self.due = None;
        self.start_fetch(last_seq);
        self.fetched().await
    }

    /// Whether the newest stored record was dropped and nothing after it will show the gap.
    fn behind(&mut self, last_seq: u64) -> bool {
        let (Some(records), Some(latest)) = (&self.records, &self.latest) else { return false };
        let newest = *latest.borrow();
        // One try a record: a store that does not have it yet must not make this loop spin.
        let behind = newest > last_seq && newest > self.tried && records.is_empty();
        if behind {
            self.tried = newest;
        }
        behind
    }

    /// The first record with those that wait behind it, up to a gap; empty if the gap is before the first.
    fn take_batch(&mut self, first: Arc<Record>, mut last_seq: u64) -> Vec<Arc<Record>> {
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(record) = next {
            if record.seq > last_seq + 1 {
                self.held = Some(record);
                break;
            }
            last_seq = last_seq.max(record.seq);
            batch.push(record);
            next = match (&mut self.records, batch.len() < BATCH) {
                (Some(records), true) => records.try_recv().ok(),
                _ => None,
            };
        }
        if let (Some(held), false) = (&self.held, batch.is_empty()) {
            // What came before the gap is shown at once; the gap is filled by the next call.
            self.tried = self.tried.max(held.seq);
            self.start_fetch(last_seq);
        }
        batch
    }

    fn start_fetch(&mut self, since: u64) {
        let (history, (portions, fetch)) = (Arc::clone(&self.history), mpsc::channel(AHEAD));
        let groups = if self.whole { usize::MAX } else { Samples::LIMIT };
        let read = move || {
            // Who has left wants no more of it, and does not wait for this thread.
            let mut hand_over = |portion| drop(portions.blocking_send(portion));
            match since {
                0 => history.past(groups, &mut hand_over),
                _ => history.since(since).map(|records| hand_over(Portion::Records(records))),
            }
        };
        match std::thread::Builder::new().name("history".into()).spawn(read) {
            Ok(thread) => self.fetch = Some(Fetch { portions: fetch, thread }),
            Err(error) => tracing::warn!("no thread to read the store: {error}"),
        }
    }

    /// What comes next of what is being read, so little at a time that keys and signals are looked at in between.
    async fn fetched(&mut self) -> Delivery {
        while self.fetched.len() <= BATCH
            && let Some(fetch) = &mut self.fetch
        {
            match fetch.portions.recv().await {
                Some(Portion::Records(records)) => self.fetched.extend(records.into_iter().map(Arc::new)),
                Some(Portion::Coming { records, left_out }) => return Delivery::Coming { records, left_out },
                Some(Portion::Anew) => {
                    self.fetched.clear();
                    return Delivery::Anew;
                }
                None => {
                    let read = self.fetch.take().map(|fetch| fetch.thread.join());
                    if let Some(Err(error)) = read.map(|read| read.unwrap_or_else(|_| Err(HistoryError(FAILED.into()))))
                    {
                        return Delivery::Failed(error);
                    }
                    self.fetched.extend(self.held.take());
                }
            }
        }
        // Whatever else waits gets its turn.
        tokio::task::yield_now().await;
        let portion = self.fetched.drain(..BATCH.min(self.fetched.len())).collect();
        let is_last = self.fetch.is_none() && self.fetched.is_empty();
        if is_last { Delivery::Records(portion) } else { Delivery::Portion(portion) }
    }
}

/// Waits for a new value; for ever if there will be none.
async fn changed<T>(watched: &mut Option<watch::Receiver<T>>) {
    if let Some(receiver) = watched
        && receiver.changed().await.is_ok()
    {
        return;
    }
    *watched = None;
    std::future::pending::<()>().await;
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
