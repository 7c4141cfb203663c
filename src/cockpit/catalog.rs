//! All questions of a run that were asked, in a few words each: what the rollouts view lists, sorts and compares between steps.
//!
//! A long run's groups do not fit into memory; these do. What is shown of a chosen one is read from the store.

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
    sync::Arc,
};

use super::{
    filter::{DEAD, Filter, Flip, Subject, summary},
    history::{History, HistoryError},
    state::Samples,
};
use crate::run::event::GroupScored;

/// A group in a few words.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The step.
    pub step: u64,
    /// Its number within the step.
    pub group: usize,
    /// The question's number in the data.
    pub question_id: usize,
    /// The question.
    pub question: Arc<str>,
    /// The database.
    pub db: Arc<str>,
    /// Right candidates, and candidates.
    pub right: (usize, usize),
    /// Mean reward.
    pub mean: f64,
    /// Standard deviation of the rewards.
    pub spread: f64,
    /// Candidates that were cut off.
    pub cut: usize,
    /// How it went compared with before.
    pub flip: Flip,
    /// Where the same question was asked before.
    pub before: Option<usize>,
}

impl Entry {
    /// Step and number, which tell it from others.
    pub fn key(&self) -> (u64, usize) {
        (self.step, self.group)
    }

    /// Share of right candidates.
    pub fn accuracy(&self) -> f64 {
        self.right.0 as f64 / self.right.1.max(1) as f64
    }

    /// Whether all candidates have the same reward, so that nothing is learned.
    pub fn is_dead(&self) -> bool {
        self.spread < DEAD
    }
}

/// The questions that were asked, by step.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    /// Of those, the ones that the filter finds.
    found: Vec<usize>,
    filter: Filter,
    last: HashMap<usize, usize>,
    words: BTreeSet<Arc<str>>,
}

impl Catalog {
    /// An empty one, of which a filter will find some.
    pub fn new(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// The catalogue of a stored run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(history: &dyn History, filter: Filter) -> Result<Self, HistoryError> {
        let mut catalog = Self::new(filter);
        history.groups(0..=u64::MAX, &mut |group| {
            catalog.add(&group);
            ControlFlow::Continue(())
        })?;
        Ok(catalog)
    }

    /// All entries, by step.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Places of the entries that the filter finds.
    pub fn found(&self) -> &[usize] {
        &self.found
    }

    /// What is looked for.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Where a group is.
    pub fn position(&self, key: (u64, usize)) -> Option<usize> {
        self.entries.binary_search_by_key(&key, Entry::key).ok()
    }

    /// A group with what a filter can ask of it.
    pub fn subject<'a>(&self, group: &'a GroupScored) -> Subject<'a> {
        let flip = self.position((group.step, group.group)).map_or(Flip::None, |at| self.entries[at].flip);
        Subject::new(group, flip)
    }

    /// Adds a group that is newer than all that are here; others are left out.
    pub fn add(&mut self, group: &GroupScored) {
        let key = (group.step, group.group);
        if self.entries.last().is_some_and(|newest| newest.key() >= key) {
            return;
        }
        let (accuracy, mean, spread) = summary(group);
        let at = self.entries.len();
        let before = self.last.insert(group.question_id, at);
        let flip = Flip::of(before.map(|before| self.entries[before].accuracy()), accuracy);
        if Subject::new(group, flip).found(&self.filter).next().is_some() {
            self.found.push(at);
        }
        let (question, db) = (self.word(&group.question), self.word(&group.db_id));
        self.entries.push(Entry {
            step: group.step,
            group: group.group,
            question_id: group.question_id,
            question,
            db,
            right: (group.candidates.iter().filter(|c| c.correct).count(), group.candidates.len()),
            mean,
            spread,
            cut: group.candidates.iter().filter(|c| !c.finished).count(),
            flip,
            before,
        });
    }

    /// Takes in what was sampled meanwhile, and says whether there was more of it than is in memory. What is not there any more because a
    /// trainer resumed goes, too, unless `keep`.
    pub fn follow(&mut self, samples: &Samples, keep: bool) -> bool {
        let Some(newest) = samples.len().checked_sub(1).and_then(|at| samples.get(at)) else { return false };
        if !keep {
            self.forget_after((newest.step, newest.group));
        }
        let after = self.entries.last().map(Entry::key);
        let known = (0..samples.len()).rev().find(|at| {
            samples.get(*at).is_some_and(|group| after.is_some_and(|after| (group.step, group.group) <= after))
        });
        for at in known.map_or(0, |at| at + 1)..samples.len() {
            if let Some(group) = samples.get(at) {
                self.add(group);
            }
        }
        known.is_none() && samples.forgotten() > 0
    }

    fn forget_after(&mut self, key: (u64, usize)) {
        while let Some(entry) = self.entries.pop_if(|entry| entry.key() > key) {
            match entry.before {
                Some(before) => self.last.insert(entry.question_id, before),
                None => self.last.remove(&entry.question_id),
            };
        }
        let left = self.entries.len();
        self.found.truncate(self.found.partition_point(|at| *at < left));
    }

    /// Places at which a question was asked, oldest first.
    pub fn times(&self, question_id: usize) -> Vec<usize> {
        let mut times: Vec<usize> =
            std::iter::successors(self.last.get(&question_id).copied(), |at| self.entries[*at].before).collect();
        times.reverse();
        times
    }

    /// One copy of each text.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.words.get(text) {
            return Arc::clone(known);
        }
        let word: Arc<str> = text.into();
        self.words.insert(Arc::clone(&word));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::fixture::group;

    /// A question at a step, right or wrong throughout.
    fn asked(step: u64, question_id: usize, right: bool) -> GroupScored {
        let mut group = group(step, 0);
        group.question_id = question_id;
        group.candidates.iter_mut().for_each(|candidate| candidate.correct = right);
        group
    }

    fn samples(groups: &[GroupScored]) -> Samples {
        let mut samples = Samples::default();
        for group in groups {
            samples.push(group.clone());
        }
        samples
    }

    #[test]
    fn what_changed_is_told_from_the_last_time_that_a_question_was_asked() {
        let groups = [asked(1, 5, true), asked(2, 6, false), asked(3, 5, false), asked(4, 6, true), asked(5, 5, false)];
        let mut catalog = Catalog::new("flip:lost | flip:gained".parse().unwrap());
        for group in &groups {
            catalog.add(group);
        }
        let flips: Vec<Flip> = catalog.entries().iter().map(|entry| entry.flip).collect();
        assert_eq!(flips, [Flip::None, Flip::None, Flip::Lost, Flip::Gained, Flip::None]);
        assert_eq!(catalog.found(), [2, 3]);
        assert_eq!((catalog.times(5), catalog.times(9)), (vec![0, 2, 4], vec![]));
        assert!(Arc::ptr_eq(&catalog.entries()[0].question, &catalog.entries()[4].question));
    }

    #[test]
    fn it_follows_a_run_that_goes_on_and_one_that_resumes() {
        let all: Vec<GroupScored> = (1..=6).map(|step| asked(step, step as usize % 2, step % 3 == 0)).collect();
        let mut catalog = Catalog::default();
        catalog.follow(&samples(&all[..3]), false);
        catalog.follow(&samples(&all), false);
        assert_eq!(catalog.entries().len(), 6);
        let resumed = [all[0].clone(), all[1].clone(), asked(3, 1, false)];
        catalog.follow(&samples(&resumed[..2]), true);
        assert_eq!(catalog.entries().len(), 6, "a replay goes back and forth");
        catalog.follow(&samples(&resumed[..2]), false);
        catalog.follow(&samples(&resumed), false);
        let mut expected = Catalog::default();
        for group in &resumed {
            expected.add(group);
        }
        assert_eq!(catalog.entries(), expected.entries());
        assert_eq!((catalog.found(), catalog.times(1)), (expected.found(), expected.times(1)));
    }
}
