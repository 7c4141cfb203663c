//! A stored run as a tape: its records, a place among them, and a clock that moves the place on.
//!
//! What is known of the run at a place is the fold of the records before it, the very fold that a live cockpit makes. Going back starts
//! from a kept copy of the fold, so that it takes no longer in a long run than in a short one.

use std::time::{Duration, Instant};

use super::state::RunView;
use crate::run::event::{Event, Record, RunState};

/// Slowest and fastest, in seconds of the run a second.
pub const SPEEDS: (f64, f64) = (1.0 / 64.0, 65_536.0);
/// Records between two kept folds, as long as there are few of them.
const INTERVAL: usize = 128;
/// Folds kept at most; then every other one is dropped.
const KEPT: usize = 48;

/// A run's records with a place among them.
#[derive(Debug)]
pub struct Tape {
    records: Vec<Record>,
    /// Seconds on the tape at which each record happens: never falling, and without the time between a trainer and the next.
    times: Vec<f64>,
    /// Places right behind a step's end, with the step.
    steps: Vec<(usize, u64)>,
    kept: Vec<(usize, RunView)>,
    interval: usize,
    at: usize,
    clock: f64,
    speed: f64,
    playing: bool,
    ticked: Instant,
}

impl Tape {
    /// An empty tape that plays so many seconds of the run a second, within [`SPEEDS`].
    pub fn new(speed: f64) -> Self {
        Self {
            records: Vec::new(),
            times: Vec::new(),
            steps: Vec::new(),
            kept: vec![(0, RunView::default())],
            interval: INTERVAL,
            at: 0,
            clock: 0.0,
            speed: speed.clamp(SPEEDS.0, SPEEDS.1),
            playing: true,
            ticked: Instant::now(),
        }
    }

    /// Adds a record at the end. Records that are there already, or that are not stored, are left out.
    pub fn push(&mut self, record: &Record) {
        if record.seq == 0 || record.seq <= self.last_seq() {
            return;
        }
        // A clock that was set back makes no time; nor does a run that nobody works on.
        let taken_up = matches!(&record.event, Event::State(changed) if changed.state == RunState::Loading);
        let passed = self.records.last().map_or(0.0, |last| record.time - last.time);
        let passed = if taken_up || !passed.is_finite() { 0.0 } else { passed.max(0.0) };
        self.times.push(self.length() + passed);
        self.records.push(record.clone());
        if let Event::Step(done) = &record.event {
            self.steps.push((self.records.len(), done.step));
        }
    }

    /// The newest stored record's place in the run.
    pub fn last_seq(&self) -> u64 {
        self.records.last().map_or(0, |record| record.seq)
    }

    /// Seconds from the first record to the last.
    pub fn length(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }

    /// Seconds from the first record to now.
    pub fn clock(&self) -> f64 {
        self.clock
    }

    /// Seconds of the run a second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Whether time goes on.
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Whether nothing is left to play.
    pub fn is_at_end(&self) -> bool {
        self.at == self.records.len()
    }

    /// Stops or goes on; at the end it starts again.
    pub fn toggle(&mut self, view: &mut RunView) {
        self.playing = !self.playing;
        if self.playing && self.is_at_end() {
            self.rewind(view);
        }
        self.ticked = Instant::now();
    }

    /// Changes the speed by a factor.
    pub fn accelerate(&mut self, factor: f64) {
        self.speed = (self.speed * factor).clamp(SPEEDS.0, SPEEDS.1);
    }

    /// How long until something happens, if time goes on.
    pub fn wait(&self) -> Option<Duration> {
        let next = self.times.get(self.at).filter(|_| self.playing)?;
        // The clock on the screen moves in between.
        let wait = ((next - self.clock) / self.speed).clamp(0.02, 0.25);
        Some(Duration::from_secs_f64(wait))
    }

    /// Lets the time pass that went by, and folds what happened in it.
    pub fn tick(&mut self, now: Instant, view: &mut RunView) {
        let passed = now.saturating_duration_since(self.ticked).as_secs_f64();
        self.ticked = now;
        if !self.playing {
            return;
        }
        let clock = (self.clock + passed * self.speed).min(self.length());
        let place = self.times.partition_point(|time| *time <= clock);
        self.seek(place, view);
        self.clock = clock;
    }

    /// Goes to where the first trainer has begun.
    pub fn rewind(&mut self, view: &mut RunView) {
        let begun = self.records.iter().position(|record| matches!(record.event, Event::Run(_)));
        self.seek(begun.map_or(0, |at| at + 1), view);
    }

    /// Goes to the last record.
    pub fn wind_on(&mut self, view: &mut RunView) {
        self.seek(self.records.len(), view);
    }

    /// Goes so many steps on, or back where it is negative.
    pub fn by_steps(&mut self, by: i64, view: &mut RunView) {
        if by >= 0 {
            let next = self.steps.partition_point(|(place, _)| *place <= self.at);
            match self.steps.get(next.saturating_add(by as usize).saturating_sub(1)) {
                Some((place, _)) => self.seek(*place, view),
                None => self.wind_on(view),
            }
        } else {
            let before = self.steps.partition_point(|(place, _)| *place < self.at);
            match before.checked_sub(by.unsigned_abs() as usize) {
                Some(at) => self.seek(self.steps[at].0, view),
                None => self.rewind(view),
            }
        }
    }

    /// Goes to the end of a step: of what holds in the end, where it was trained more than once. Gives the step that it came to.
    pub fn seek_step(&mut self, step: u64, view: &mut RunView) -> u64 {
        let exact = self.steps.iter().rev().find(|(_, at)| *at == step);
        let nearest = exact.or_else(|| self.steps.iter().find(|(_, at)| *at >= step));
        match nearest {
            _ if step == 0 => self.rewind(view),
            Some((place, _)) => self.seek(*place, view),
            None => self.wind_on(view),
        }
        view.step()
    }

    /// Goes to a place: so many records are folded then.
    fn seek(&mut self, to: usize, view: &mut RunView) {
        let to = to.min(self.records.len());
        let nearest = self.kept.partition_point(|(place, _)| *place <= to).saturating_sub(1);
        if let Some((place, kept)) = self.kept.get(nearest)
            && (to < self.at || *place > self.at)
        {
            view.clone_from(kept);
            self.at = *place;
        }
        while self.at < to {
            view.apply(&self.records[self.at]);
            self.at += 1;
            if self.at.is_multiple_of(self.interval) {
                self.keep(view);
            }
        }
        self.clock = self.at.checked_sub(1).map_or(0.0, |last| self.times[last]);
        self.ticked = Instant::now();
    }

    fn keep(&mut self, view: &RunView) {
        if self.kept.last().is_some_and(|(place, _)| *place < self.at) {
            self.kept.push((self.at, view.clone()));
        }
        if self.kept.len() > KEPT {
            self.interval *= 2;
            self.kept.retain(|(place, _)| place.is_multiple_of(self.interval));
        }
    }
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;
