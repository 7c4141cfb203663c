//! Questions of a long run: the newest are in memory, older ones are read from the store when they are to be shown.

use std::{ops::ControlFlow, sync::Arc};

use super::App;
use crate::{
    cockpit::{views::View, work::Work},
    run::event::{GroupScored, LogLevel},
};

/// Step and number of a group.
pub type Key = (u64, usize);

impl App {
    /// A group, if it is in memory or was read.
    pub fn group(&self, key: Key) -> Option<Arc<GroupScored>> {
        let samples = self.run.samples();
        let kept = samples.position(key.0, key.1).and_then(|at| samples.get(at));
        kept.or_else(|| self.shelf.find(key)).cloned()
    }

    /// The groups of a step that are in memory or were read.
    pub fn groups_of(&self, step: u64) -> Vec<Arc<GroupScored>> {
        let read: Vec<_> = self.shelf.of_step(step).cloned().collect();
        let kept = || self.run.samples().shared_of_step(step).cloned().collect();
        if read.is_empty() || !self.is_stored((step, 0)) { kept() } else { read }
    }

    /// Whether a group, if there is one, has gone from memory and is only in the store.
    pub fn is_stored(&self, key: Key) -> bool {
        let samples = self.run.samples();
        samples.forgotten() > 0 && samples.get(0).is_none_or(|oldest| key < (oldest.step, oldest.group))
    }

    /// Whether the store was asked for a step and has nothing of it.
    pub fn lacks(&self, step: u64) -> bool {
        self.shelf.lacks(step)
    }

    /// Has the chosen question read, if it is not here. One that was chosen as the last of its step has its own number from then on.
    pub fn want_sample(&mut self) {
        let Some(key) = self.ui.sample.filter(|key| self.is_stored(*key)) else { return };
        match self.group(key) {
            Some(found) => self.ui.sample = Some((found.step, found.group)),
            None => self.read_step(key.0),
        }
    }

    /// Reads the groups of a step from the store, as soon as no other one is read.
    pub fn read_step(&mut self, step: u64) {
        if !self.shelf.begin(step) {
            return;
        }
        self.later(Work::new("read a step's questions", move |history| {
            let mut groups = Vec::new();
            let read = history.groups(step..=step, &mut |group| {
                groups.push(Arc::new(group));
                ControlFlow::Continue(())
            });
            move |app: &mut Self| {
                app.shelf.put(step, groups);
                // The charts' cursor could not follow to what was not here yet.
                if app.ui.sample.is_some_and(|key| key.0 == step) {
                    app.cursor_to_sample();
                }
                if let Err(error) = read {
                    app.toast(LogLevel::Error, error.to_string());
                }
            }
        }));
    }

    /// The question on show, with its place among those in memory; without one it was read. `None` while it is read, too.
    pub fn sample(&self) -> Option<(Arc<GroupScored>, Option<usize>)> {
        let samples = self.run.samples();
        let newest = samples.len().checked_sub(1)?;
        let at = match self.ui.sample {
            None => newest,
            Some(key) => match samples.position(key.0, key.1) {
                Some(at) => at,
                None if self.is_stored(key) => return self.shelf.find(key).map(|group| (Arc::clone(group), None)),
                // One that a resumption made void.
                None => 0,
            },
        };
        samples.get(at).map(|group| (Arc::clone(group), Some(at)))
    }

    /// The question that a person looks at, in whichever view.
    pub(super) fn on_show(&self) -> Option<Arc<GroupScored>> {
        match self.ui.view {
            View::Rollouts => self.rollout_key().and_then(|key| self.group(key)),
            _ => self.sample().map(|(group, _)| group),
        }
    }

    /// Goes to the next question, or the one before.
    pub(super) fn step_group(&mut self, newer: bool) {
        if self.ui.view == View::Rollouts {
            return self.step_rollout(newer);
        }
        let chosen = match self.sample() {
            Some((_, Some(at))) if newer || at > 0 => {
                let samples = self.run.samples();
                let next = if newer { at + 1 } else { at - 1 };
                samples.get(next).filter(|_| next + 1 < samples.len()).map(|group| (group.step, group.group))
            }
            Some((group, _)) => Some(self.beside(&group, newer)),
            None => return,
        };
        self.ui.show_sample(chosen);
        self.want_sample();
        self.cursor_to_sample();
    }

    /// Next to a group that is the oldest in memory, or was read.
    fn beside(&self, group: &GroupScored, newer: bool) -> Key {
        let key = (group.step, group.group);
        let other = |by| self.run.curves().timeline().step_from(group.step, by).filter(|step| *step != group.step);
        if newer {
            let next = self.groups_of(group.step).iter().map(|other| other.group).find(|number| *number > group.group);
            return next.map(|number| (group.step, number)).or_else(|| Some((other(1)?, 0))).unwrap_or(key);
        }
        let before = self.is_stored((group.step, 0)) && group.group > 0;
        let before = before.then(|| (group.step, group.group - 1));
        let step = || other(-1).map(|step| (step, usize::MAX)).filter(|key| self.is_stored(*key));
        before.or_else(step).unwrap_or(key)
    }
}
