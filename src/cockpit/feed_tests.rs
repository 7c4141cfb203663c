//! The feed: nothing is lost, whatever the queue drops.

use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};

use super::{Delivery, Feed, History, HistoryError};
use crate::{
    cockpit::{fixture::RunBuilder, state::RunView},
    run::event::{Phase, Record},
};

/// A store in memory that counts how often it is read, or fails.
#[derive(Default)]
struct Memory {
    records: Mutex<Vec<Record>>,
    reads: Mutex<usize>,
    broken: bool,
}

impl History for Memory {
    fn since(&self, seq: u64) -> Result<Vec<Record>, HistoryError> {
        *self.reads.lock().unwrap() += 1;
        if self.broken {
            return Err(HistoryError("the disk is gone".into()));
        }
        Ok(self.records.lock().unwrap().iter().filter(|r| r.seq > seq).cloned().collect())
    }
}

struct Bench {
    store: Arc<Memory>,
    queue: Option<mpsc::Sender<Arc<Record>>>,
    latest: watch::Sender<u64>,
    feed: Feed,
    view: RunView,
}

impl Bench {
    fn new(room: usize, stored: Vec<Record>, broken: bool) -> Self {
        let store = Arc::new(Memory { records: Mutex::new(stored), broken, ..Memory::default() });
        let (queue, receiver) = mpsc::channel(room);
        let (latest, newest) = watch::channel(0);
        let feed = Feed::live(receiver, newest, Arc::clone(&store) as Arc<dyn History>);
        Self { store, queue: Some(queue), latest, feed, view: RunView::default() }
    }

    /// As the trainer does: into the store, into the queue if there is room, then the number.
    fn publish(&self, record: &Record) {
        if record.seq > 0 {
            self.store.records.lock().unwrap().push(record.clone());
        }
        let _ = self.queue.as_ref().unwrap().try_send(Arc::new(record.clone()));
        if record.seq > 0 {
            self.latest.send_replace(record.seq);
        }
    }

    async fn pull(&mut self) -> Delivery {
        let delivery = self.feed.next(self.view.last_seq()).await;
        if let Delivery::Records(records) | Delivery::Portion(records) = &delivery {
            for record in records {
                self.view.apply(record);
            }
        }
        delivery
    }

    /// Pulls until nothing more is under way.
    async fn settle(&mut self) {
        while tokio::time::timeout(std::time::Duration::from_millis(200), self.pull()).await.is_ok() {}
    }
}

#[tokio::test]
async fn a_viewer_that_attaches_late_reads_the_past_first() {
    let records = RunBuilder::with_steps(5).records();
    let (past, present) = records.split_at(8);
    let mut bench = Bench::new(64, past.to_vec(), false);
    for record in present {
        bench.publish(record);
    }
    bench.settle().await;
    assert_eq!(bench.view, RunView::replay(&records));
}

#[tokio::test]
async fn what_the_queue_dropped_comes_from_the_store() {
    let records = RunBuilder::with_steps(30).records();
    let mut bench = Bench::new(7, Vec::new(), false);
    bench.settle().await;
    // Far more than there is room for: most of it is dropped, the last record among it.
    for record in &records {
        bench.publish(record);
    }
    bench.settle().await;
    assert_eq!(bench.view, RunView::replay(&records));
    assert_eq!(bench.view.missed(), 0);
}

#[tokio::test]
async fn a_gap_in_the_middle_is_filled_in_order() {
    let records = RunBuilder::with_steps(6).records();
    let mut bench = Bench::new(64, Vec::new(), false);
    bench.settle().await;
    for record in &records {
        if [4, 5, 9].contains(&record.seq) {
            bench.store.records.lock().unwrap().push(record.clone());
        } else {
            bench.publish(record);
        }
    }
    bench.settle().await;
    assert_eq!(bench.view, RunView::replay(&records));
}

#[tokio::test]
async fn the_end_is_read_from_the_store_when_the_trainer_hangs_up() {
    let records = RunBuilder::with_steps(3).records();
    let mut bench = Bench::new(64, records.clone(), false);
    bench.queue = None;
    let first = bench.pull().await;
    assert!(matches!(first, Delivery::Records(_)), "{first:?}");
    bench.pull().await;
    assert!(matches!(bench.pull().await, Delivery::Closed));
    assert_eq!(bench.view, RunView::replay(&records));
}

#[tokio::test]
async fn a_store_that_fails_is_said_and_live_records_still_come() {
    let records = RunBuilder::with_steps(3).records();
    let mut bench = Bench::new(64, Vec::new(), true);
    assert!(matches!(bench.pull().await, Delivery::Failed(_)));
    for record in &records[2..] {
        bench.publish(record);
    }
    bench.settle().await;
    assert_eq!(bench.view.step(), 3);
    assert_eq!(bench.view.missed(), 2);
    assert!(*bench.store.reads.lock().unwrap() < 5, "it does not try for ever");
}

#[tokio::test]
async fn progress_passes_without_a_number() {
    let mut run = RunBuilder::new();
    run.progress(1, Phase::Rollout, 1, 2);
    let mut bench = Bench::new(8, Vec::new(), false);
    bench.settle().await;
    for record in run.records() {
        bench.publish(&record);
    }
    bench.settle().await;
    assert_eq!(bench.view.phase(), Some(Phase::Rollout));
}

#[tokio::test]
async fn a_run_whose_trainer_is_out_of_reach_is_followed_in_its_store() {
    let records = RunBuilder::with_steps(4).records();
    let (past, present) = records.split_at(5);
    let mut bench = Bench::new(1, past.to_vec(), false);
    bench.feed = Feed::following(Arc::clone(&bench.store) as Arc<dyn History>);
    bench.feed.pace = Some(std::time::Duration::from_millis(20));
    bench.pull().await;
    assert_eq!(bench.view, RunView::replay(past));
    bench.store.records.lock().unwrap().extend(present.to_vec());
    for _ in 0..20 {
        bench.pull().await;
        if bench.view.last_seq() == records.last().unwrap().seq {
            break;
        }
    }
    assert_eq!(bench.view, RunView::replay(&records));
    let reads = *bench.store.reads.lock().unwrap();
    tokio::time::timeout(std::time::Duration::from_millis(100), async {
        loop {
            bench.pull().await;
        }
    })
    .await
    .unwrap_err();
    assert!(*bench.store.reads.lock().unwrap() <= reads + 8, "it looks at its pace");
}

#[tokio::test]
async fn a_long_past_comes_in_portions_that_let_others_take_their_turn() {
    let records = RunBuilder::with_steps(400).records();
    assert!(records.len() > 600, "too short to be parted");
    let mut bench = Bench::new(8, records.clone(), false);
    let (mut portions, mut turns) = (0, 0);
    loop {
        let delivery = tokio::select! {
            biased;
            delivery = bench.pull() => delivery,
            () = tokio::task::yield_now() => {
                turns += 1;
                continue;
            }
        };
        match delivery {
            Delivery::Portion(some) => {
                assert!(some.len() <= 256);
                portions += 1;
            }
            Delivery::Records(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(portions >= 2 && turns >= portions, "{portions} portions, {turns} turns");
    assert_eq!(bench.view, RunView::replay(&records));
    assert_eq!(*bench.store.reads.lock().unwrap(), 1);
}
