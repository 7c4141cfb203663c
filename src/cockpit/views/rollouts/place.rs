//! What the view remembers: the list, what is chosen in it, what was read of the store for it.

use std::sync::Arc;

use super::rescore::{Weights, Whole};
use crate::{
    cockpit::{
        App,
        app::Key,
        catalog::{Catalog, Entry},
        filter::Filter,
        work::Work,
    },
    run::event::{GroupScored, LogLevel},
};

/// What the questions are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Time,
    /// The worst first.
    Accuracy,
    /// The lowest mean first.
    Reward,
    /// The most undecided first.
    Spread,
    /// By name.
    Database,
}

impl Order {
    const ALL: [Self; 5] = [Self::Time, Self::Accuracy, Self::Reward, Self::Spread, Self::Database];

    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "newest",
            Self::Accuracy => "accuracy",
            Self::Reward => "reward",
            Self::Spread => "spread",
            Self::Database => "database",
        }
    }
}

/// What is shown below a group's heading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Body {
    /// The candidates.
    #[default]
    Candidates,
    /// The database's tables.
    Schema,
    /// What changed since the question was asked before.
    Versus,
}

/// How far the store is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scan {
    /// Not at all: what is in memory is all that there is.
    #[default]
    None,
    /// It is being read.
    Running,
    /// It was read.
    Done,
    /// It could not be.
    Failed(String),
}

/// What a list was made for: as long as it is the same, so is the list.
type ListedFor = (usize, usize, Order, bool, Option<(u64, usize)>);

/// What the view remembers of the person's place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub(super) catalog: Catalog,
    pub(super) scan: Scan,
    pub(super) order: Order,
    pub(super) reversed: bool,
    /// Whether the candidates are in focus, rather than the list.
    pub(super) inside: bool,
    pub(super) body: Body,
    /// Whether replies are shown token by token.
    pub(super) tokens: bool,
    pub(super) weights: Option<Weights>,
    pub(super) whole: Option<Whole>,
    /// Rows of the list, as last drawn.
    pub(super) page: usize,
    listed: Vec<usize>,
    listed_for: Option<ListedFor>,
}

impl Place {
    /// Entries in the order of the list.
    pub fn listed(&self) -> &[usize] {
        &self.listed
    }

    /// The entry at a place of the list.
    pub fn entry(&self, at: usize) -> Option<&Entry> {
        self.catalog.entries().get(*self.listed.get(at)?)
    }

    fn sort(&mut self, newest: Option<(u64, usize)>) {
        let (entries, found) = (self.catalog.entries(), self.catalog.found());
        let wanted = (entries.len(), found.len(), self.order, self.reversed, newest);
        if self.listed_for == Some(wanted) {
            return;
        }
        let is_past = |at: &usize| newest.is_none_or(|newest| entries[*at].key() <= newest);
        let mut listed: Vec<usize> = found.iter().copied().filter(is_past).rev().collect();
        let by = |key: fn(&Entry) -> f64| move |a: &usize, b: &usize| key(&entries[*a]).total_cmp(&key(&entries[*b]));
        match self.order {
            Order::Time => {}
            Order::Accuracy => listed.sort_by(by(Entry::accuracy)),
            Order::Reward => listed.sort_by(by(|entry| entry.mean)),
            Order::Spread => listed.sort_by(by(|entry| -entry.spread)),
            Order::Database => listed.sort_by(|a, b| entries[*a].db.cmp(&entries[*b].db)),
        }
        if self.reversed {
            listed.reverse();
        }
        (self.listed, self.listed_for) = (listed, Some(wanted));
    }
}

impl App {
    /// Brings the list up to date with the run; what it takes of the store is read later.
    pub(super) fn sync_rollouts(&mut self) {
        let (samples, replay) = (self.run.samples(), self.tape().is_some());
        let newest = samples.len().checked_sub(1).and_then(|at| samples.get(at)).map(|group| (group.step, group.group));
        let place = &mut self.ui.rollouts;
        let gap = place.catalog.follow(samples, replay);
        if gap && matches!(place.scan, Scan::None | Scan::Done) {
            self.scan_rollouts();
        }
        // A replay knows nothing of what comes after its place.
        let shown = if replay { Some(newest.unwrap_or((0, 0))) } else { None };
        self.ui.rollouts.sort(shown);
    }

    /// Reads the store for all questions that the filter finds.
    fn scan_rollouts(&mut self) {
        let filter = self.ui.rollouts.catalog.filter().clone();
        self.ui.rollouts.scan = Scan::Running;
        self.later(Work::new("read all questions", move |history| {
            let read = Catalog::read(history, filter);
            move |app: &mut Self| {
                let place = &mut app.ui.rollouts;
                match read {
                    // Another filter was typed meanwhile, and its own reading is under way.
                    Ok(catalog) if catalog.filter() != place.catalog.filter() => {}
                    Ok(catalog) => {
                        (place.catalog, place.scan, place.listed_for) = (catalog, Scan::Done, None);
                    }
                    Err(error) => place.scan = Scan::Failed(error.to_string()),
                }
            }
        }));
    }

    /// Shows what was typed as a filter; the whole run is looked through.
    pub(in crate::cockpit) fn filter_rollouts(&mut self, typed: &str) {
        match typed.parse::<Filter>() {
            Ok(filter) => {
                let place = &mut self.ui.rollouts;
                (place.catalog, place.listed_for, place.inside) = (Catalog::new(filter), None, false);
                self.ui.show_sample(None);
                if self.ui.rollouts.scan != Scan::None {
                    self.scan_rollouts();
                }
            }
            Err(error) => {
                self.toast(LogLevel::Warn, error.to_string());
                self.type_line(crate::cockpit::entry::Purpose::Filter, typed);
            }
        }
    }

    /// Where in the list the chosen group is: the first where it is not in there.
    pub(super) fn rollout_at(&self) -> usize {
        let place = &self.ui.rollouts;
        let chosen = self.ui.sample.and_then(|key| place.catalog.position(key));
        chosen.and_then(|at| place.listed.iter().position(|listed| *listed == at)).unwrap_or(0)
    }

    /// The chosen group's entry. One that was chosen elsewhere, as at a chart, is shown whether or not the list has it.
    pub(super) fn rollout_entry(&self) -> Option<&Entry> {
        let place = &self.ui.rollouts;
        let elsewhere = self.ui.sample.and_then(|key| place.catalog.position(key));
        elsewhere.and_then(|at| place.catalog.entries().get(at)).or_else(|| place.entry(0))
    }

    /// The chosen group.
    pub(in crate::cockpit) fn rollout_key(&self) -> Option<Key> {
        self.rollout_entry().map(Entry::key)
    }

    /// Chooses the question that was asked next, or before, of those that the filter finds.
    pub(in crate::cockpit) fn step_rollout(&mut self, newer: bool) {
        self.sync_rollouts();
        let catalog = &self.ui.rollouts.catalog;
        let Some(at) = self.rollout_key().and_then(|key| catalog.position(key)) else { return };
        let found = catalog.found();
        let next = if newer {
            found.get(found.partition_point(|other| *other <= at))
        } else {
            found[..found.partition_point(|other| *other < at)].last()
        };
        if let Some(next) = next {
            let chosen = catalog.entries()[*next].key();
            self.ui.show_sample(Some(chosen));
        }
    }

    /// A group, if it is in memory; else it is read.
    pub(super) fn rollout(&mut self, key: Key) -> Option<Arc<GroupScored>> {
        let group = self.group(key);
        if group.is_none() {
            self.read_step(key.0);
        }
        group
    }
}
