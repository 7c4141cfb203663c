//! When a frame is due: at once for the person at the keys, a few times a second for news of the training.
//!
//! A step takes seconds, and a phase tells its progress ten times a second: who looks on sees nothing more for a frame each, and pays for
//! it with the trainer's time and the line's bytes.

use std::time::{Duration, Instant};

use super::feed::Delivery;
use crate::run::event::{Event, Record};

/// How long the first frame waits for the past to be read, so that no empty screen flashes up.
pub const FIRST: Duration = Duration::from_millis(120);
/// Shortest time between a frame and one that shows nothing but news.
const NEWS: Duration = Duration::from_millis(250);
/// Shortest time between frames on a line that is spared.
const SPARING: Duration = Duration::from_millis(500);

/// What has changed since the last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// How far the training is.
    News,
    /// Something that a person waits for: what a key did, what the trainer answered, the window's size.
    Awaited,
}

impl Change {
    /// What a record changes.
    pub fn of(record: &Record) -> Self {
        match record.event {
            Event::Progress(_)
            | Event::Group(_)
            | Event::Step(_)
            | Event::Log(_)
            | Event::Gradients(_)
            | Event::Schema(_)
            | Event::Other => Self::News,
            _ => Self::Awaited,
        }
    }

    /// What a delivery changes.
    pub(super) fn of_delivery(delivery: &Delivery) -> Self {
        match delivery {
            Delivery::Records(records) | Delivery::Portion(records) => {
                records.iter().map(|record| Self::of(record)).max().unwrap_or(Self::News)
            }
            _ => Self::Awaited,
        }
    }
}

/// Knows when the next frame is due.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Shortest time between two frames.
    frame: Duration,
    /// Whether the line is spared.
    pub sparing: bool,
    last: Option<Instant>,
    /// No frame comes before this.
    opening: Instant,
    changed: Option<Change>,
}

impl Pace {
    /// With at least `frame` between two frames, and none before `opening`. The first one is due then.
    pub fn new(frame: Duration, opening: Instant) -> Self {
        Self { frame, sparing: false, last: None, opening, changed: Some(Change::Awaited) }
    }

    /// The first frame need not wait any longer.
    pub fn open(&mut self, now: Instant) {
        self.opening = self.opening.min(now);
    }

    /// Something has changed.
    pub fn note(&mut self, change: Change) {
        self.changed = self.changed.max(Some(change));
    }

    /// When the next frame is due; `None` while nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        let least = match self.changed? {
            Change::News => self.frame.max(NEWS),
            Change::Awaited => self.frame,
        };
        let least = if self.sparing { least.max(SPARING) } else { least };
        let next = self.last.map(|last| last + least);
        Some(next.map_or(self.opening, |next| next.max(self.opening)))
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, now: Instant) {
        (self.last, self.changed) = (Some(now), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{event::RunState, fixture::RunBuilder};

    const FRAME: Duration = Duration::from_millis(66);

    fn drawn(start: Instant) -> Pace {
        let mut pace = Pace::new(FRAME, start);
        assert_eq!(pace.due(), Some(start));
        pace.drawn(start);
        pace
    }

    #[test]
    fn nothing_is_drawn_where_nothing_changes() {
        assert_eq!(drawn(Instant::now()).due(), None);
    }

    #[test]
    fn a_key_is_answered_sooner_than_news_are_shown() {
        let start = Instant::now();
        let mut pace = drawn(start);
        pace.note(Change::News);
        assert_eq!(pace.due(), Some(start + NEWS));
        pace.note(Change::Awaited);
        assert_eq!(pace.due(), Some(start + FRAME));
        pace.note(Change::News);
        assert_eq!(pace.due(), Some(start + FRAME), "news do not hold a key's frame up");
    }

    #[test]
    fn a_spared_line_gets_two_frames_a_second_whatever_changes() {
        let start = Instant::now();
        let mut pace = drawn(start);
        pace.sparing = true;
        for change in [Change::News, Change::Awaited] {
            pace.note(change);
            assert_eq!(pace.due(), Some(start + SPARING));
        }
    }

    #[test]
    fn the_first_frame_waits_until_it_is_let() {
        let start = Instant::now();
        let mut pace = Pace::new(FRAME, start + NEWS);
        assert_eq!(pace.due(), Some(start + NEWS));
        pace.open(start);
        assert_eq!(pace.due(), Some(start));
    }

    #[test]
    fn what_the_trainer_answers_is_awaited_and_its_progress_is_not() {
        let mut run = RunBuilder::with_steps(1);
        run.state(RunState::Paused);
        let records = run.records();
        let of = |kind: &str| records.iter().find(|record| record.event.kind() == kind).map(Change::of);
        assert_eq!(
            (of("step"), of("group"), of("state")),
            (Some(Change::News), Some(Change::News), Some(Change::Awaited))
        );
    }
}
