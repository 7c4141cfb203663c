//! The most that is seen of something which nobody keeps the peak of.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Looks every 20 ms, on a thread of its own, until it is dropped.
pub struct PeakWatch {
    over: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    look: Arc<dyn Fn() -> Option<u64> + Send + Sync>,
    thread: Option<JoinHandle<()>>,
}

impl PeakWatch {
    /// Watches what `look` tells.
    pub fn start(look: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        let (over, most) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let look: Arc<dyn Fn() -> Option<u64> + Send + Sync> = Arc::new(look);
        let (stop, seen, eye) = (Arc::clone(&over), Arc::clone(&most), Arc::clone(&look));
        let watch = move || {
            while !stop.load(Ordering::Relaxed) {
                seen.fetch_max(eye().unwrap_or(0), Ordering::Relaxed);
                thread::sleep(LOOK);
            }
        };
        let thread = thread::Builder::new().name("memory".into()).spawn(watch);
        let thread = thread.inspect_err(|e| tracing::warn!("memory is not watched: {e}")).ok();
        Self { over, most, look, thread }
    }

    /// The most seen since the start or [`Self::forget`], now included; `None` if nothing was told.
    pub fn most(&self) -> Option<u64> {
        self.most.fetch_max((self.look)().unwrap_or(0), Ordering::Relaxed);
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most > 0)
    }

    /// Begins anew.
    pub fn forget(&self) {
        self.most.store(0, Ordering::Relaxed);
    }
}

impl Drop for PeakWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A look that failed has seen what it has seen.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_high_for_a_while_is_remembered_until_forgotten() {
        let value = Arc::new(AtomicU64::new(5));
        let seen = Arc::clone(&value);
        let looks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&looks);
        let watch = PeakWatch::start(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Some(seen.load(Ordering::Relaxed))
        });
        value.store(90, Ordering::Relaxed);
        let before = looks.load(Ordering::Relaxed);
        while looks.load(Ordering::Relaxed) < before + 2 {
            thread::sleep(Duration::from_millis(1));
        }
        value.store(7, Ordering::Relaxed);
        assert_eq!(watch.most(), Some(90));
        // A look that is under way may still have seen the old value.
        let before = looks.load(Ordering::Relaxed);
        while looks.load(Ordering::Relaxed) < before + 2 {
            thread::sleep(Duration::from_millis(1));
        }
        watch.forget();
        assert_eq!(watch.most(), Some(7));
    }
}
