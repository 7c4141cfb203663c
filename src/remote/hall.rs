//! The viewers of a run: how many there are, and which of them is in control.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::run::presence::Presence;

/// Where viewers sit. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Hall {
    seats: Arc<Mutex<Seats>>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Seats {
    /// Numbers and names.
    taken: Vec<(u64, String)>,
    control: Option<u64>,
    next: u64,
}

/// A viewer's place. Dropping it leaves.
#[derive(Debug)]
pub struct Seat {
    hall: Hall,
    id: u64,
    refused: AtomicU64,
}

impl Hall {
    /// Takes a place. Who comes while nobody is in control is.
    pub fn enter(&self, name: String) -> Seat {
        let mut seats = self.lock();
        let id = seats.next;
        seats.next += 1;
        seats.control = seats.control.or(Some(id));
        tracing::info!("{name} is attached{}", if seats.control == Some(id) { ", in control" } else { "" });
        seats.taken.push((id, name));
        drop(seats);
        self.changed.send_replace(());
        Seat { hall: self.clone(), id, refused: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    fn name(&self, id: u64) -> &str {
        self.taken.iter().find(|(taken, _)| *taken == id).map_or("", |(_, name)| name)
    }
}

impl Seat {
    /// Whether this viewer is in control.
    pub fn is_in_control(&self) -> bool {
        self.hall.lock().control == Some(self.id)
    }

    /// Takes control from whoever has it.
    pub fn take_control(&self) {
        let mut seats = self.hall.lock();
        if seats.control.replace(self.id) != Some(self.id) {
            tracing::info!("{} takes control", seats.name(self.id));
        }
        drop(seats);
        self.hall.changed.send_replace(());
    }

    /// Counts a command that was not this viewer's to give.
    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.hall.changed.send_replace(());
    }

    /// What this viewer is told, having lost so many records.
    pub fn presence(&self, dropped: u64) -> Presence {
        let seats = self.hall.lock();
        Presence {
            viewers: seats.taken.len(),
            control: seats.control.map(|id| seats.name(id).to_owned()),
            mine: seats.control == Some(self.id),
            dropped,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Wakes whenever what [`Seat::presence`] says may have changed.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.hall.changed.subscribe()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.hall.lock();
        tracing::info!("{} has left", seats.name(self.id));
        seats.taken.retain(|(id, _)| *id != self.id);
        seats.control = seats.control.filter(|id| *id != self.id);
        drop(seats);
        self.hall.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steers_until_another_takes_over() {
        let hall = Hall::default();
        let (first, second) = (hall.enter("one".into()), hall.enter("two".into()));
        assert_eq!((first.is_in_control(), second.is_in_control()), (true, false));
        let seen = second.presence(3);
        assert_eq!((seen.viewers, seen.control.as_deref(), seen.mine, seen.dropped), (2, Some("one"), false, 3));
        second.refuse();
        assert_eq!((first.presence(0).refused, second.presence(0).refused), (0, 1));
        second.take_control();
        assert_eq!((first.is_in_control(), second.is_in_control()), (false, true));
        drop(second);
        assert_eq!(first.presence(0).control, None, "nobody is given control unasked");
        assert!(hall.enter("three".into()).is_in_control());
    }
}
