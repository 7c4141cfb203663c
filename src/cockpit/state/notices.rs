//! Alarms, changes by hand, answers to questions, and where charts mark what happened.

use std::sync::Arc;

use crate::run::event::{Alarm, Answer, RunStarted, SettingChanged, Severity};

/// Answers kept in memory; the store has them all.
const MOST_ANSWERS: usize = 200;
/// Alarms that are over kept in memory; the store has them all.
const MOST_PAST: usize = 500;

/// A place on the axis of steps where something happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Steps trained by then.
    pub step: u64,
    /// What happened.
    pub kind: MarkerKind,
    /// What it was, in a few words.
    pub text: String,
}

/// What a marker stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerKind {
    /// A checkpoint was written.
    Checkpoint,
    /// The held-out questions were asked.
    Evaluation,
    /// The doctor raised an alarm.
    Alarm(Severity),
    /// A setting was changed.
    Change,
}

impl MarkerKind {
    /// Whether it comes every so many steps, so that of very many none is worth a mark.
    pub fn is_routine(self) -> bool {
        matches!(self, Self::Checkpoint | Self::Evaluation)
    }
}

/// An alarm that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct PastAlarm {
    /// As it was last told.
    pub alarm: Alarm,
    /// The step at which it was over.
    pub until: u64,
}

/// What was noticed and changed in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notices {
    active: Vec<Alarm>,
    past: Vec<PastAlarm>,
    changes: Vec<SettingChanged>,
    answers: Vec<Arc<Answer>>,
    markers: Vec<Marker>,
}

impl Notices {
    /// A trainer took the run up: what came after its checkpoint is void. What is still wrong the doctor tells anew.
    pub(super) fn start(&mut self, started: &RunStarted) {
        let from = started.resumed_from.unwrap_or(0);
        self.markers.retain(|marker| marker.step <= from && marker.kind != MarkerKind::Change);
        self.past.retain(|past| past.alarm.since <= from);
        for alarm in std::mem::take(&mut self.active).into_iter().filter(|alarm| alarm.since <= from) {
            self.past.push(PastAlarm { alarm, until: from });
        }
        self.answers.retain(|answer| answer.step <= from);
        self.changes.clone_from(&started.changes);
        for change in started.changes.clone() {
            self.mark_change(&change);
        }
    }

    pub(super) fn alarm(&mut self, alarm: &Alarm) {
        let known = self.active.iter().position(|active| active.detector == alarm.detector);
        match (known, alarm.active) {
            (Some(at), true) => self.active[at] = alarm.clone(),
            (None, true) => {
                // The same alarm told again by a trainer that took the run up was never over.
                let is_same =
                    |past: &PastAlarm| past.alarm.detector == alarm.detector && past.alarm.since == alarm.since;
                match self.past.iter().rposition(is_same) {
                    Some(at) => {
                        self.past.remove(at);
                    }
                    None => self.mark(alarm.step, MarkerKind::Alarm(alarm.severity), alarm.what.clone()),
                }
                self.active.push(alarm.clone());
            }
            (Some(at), false) => {
                let over = self.active.remove(at);
                self.past.push(PastAlarm { alarm: over, until: alarm.step });
                self.past.drain(..self.past.len().saturating_sub(MOST_PAST));
            }
            (None, false) => {}
        }
        // What is worst comes first, of equals what is oldest.
        self.active.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.since.cmp(&b.since)));
    }

    pub(super) fn change(&mut self, change: &SettingChanged) {
        self.changes.push(change.clone());
        self.mark_change(change);
    }

    fn mark_change(&mut self, change: &SettingChanged) {
        let text = format!("{} {} → {}", change.key, change.old, change.new);
        self.mark(change.takes_effect, MarkerKind::Change, text);
    }

    pub(super) fn answer(&mut self, answer: &Answer) {
        self.answers.push(Arc::new(answer.clone()));
        self.answers.drain(..self.answers.len().saturating_sub(MOST_ANSWERS));
    }

    pub(super) fn mark(&mut self, step: u64, kind: MarkerKind, text: String) {
        // Of a step's evaluations the newest holds.
        self.markers.retain(|old| kind != MarkerKind::Evaluation || old.kind != kind || old.step != step);
        // By step: a resumed run's changes come late.
        let at = self.markers.partition_point(|marker| marker.step <= step);
        self.markers.insert(at, Marker { step, kind, text });
    }

    /// Alarms that are so now, the worst first.
    pub fn active(&self) -> &[Alarm] {
        &self.active
    }

    /// Alarms that are over, oldest first.
    pub fn past(&self) -> &[PastAlarm] {
        &self.past
    }

    /// Settings changed while it trained, oldest first.
    pub fn changes(&self) -> &[SettingChanged] {
        &self.changes
    }

    /// Answers to a person's questions, oldest first.
    pub fn answers(&self) -> &[Arc<Answer>] {
        &self.answers
    }

    /// What charts mark, by step.
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }
}
