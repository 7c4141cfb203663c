//! What a session puts on the disk, and what it does while there is no room.

use std::time::{Duration, Instant};

use super::Session;
use crate::{
    rl::{TrainError, learner::Learner},
    run::{
        checkpoint::{self, Checkpoint},
        event::{CheckpointReason, CheckpointSaved, Event, LogLevel, LogLine, Phase, Progress, RunState, StateChanged},
        profile::Work,
    },
};

/// How often it is looked whether there is room again.
const LOOK: Duration = Duration::from_secs(2);

impl<L: Learner> Session<'_, L> {
    /// Saves what was trained before an error ends the run.
    pub(super) fn rescue(&self) {
        let (step, trainer) = (self.step(), &self.trainer);
        if step == 0 {
            return;
        }
        let saved =
            checkpoint::write(&self.folder.checkpoints(), step, CheckpointReason::Final, |dir| trainer.save(dir));
        match saved {
            Ok(saved) => tracing::warn!("the run fails; what it trained is saved in {}", saved.path.display()),
            Err(error) => {
                tracing::error!(
                    "the run fails, and what it trained since its last checkpoint cannot be saved: {error}"
                );
            }
        }
    }

    /// Writes a checkpoint, as soon as there is room for it.
    pub(super) fn checkpoint(&mut self, reason: CheckpointReason) -> Result<(), TrainError> {
        let (step, keep) = (self.step(), self.trainer.settings().run.keep_checkpoints);
        self.reporter.report(Event::Progress(Progress { step, phase: Phase::Checkpoint, done: 0, total: 1 }))?;
        let folder = self.folder.checkpoints();
        let saved = self.with_room(|session| {
            session.reporter.enter(Work::Checkpoint, step);
            let saved = checkpoint::write(&folder, step, reason, |dir| session.trainer.save(dir));
            session.reporter.leave();
            let mut saved = saved?;
            if let (CheckpointReason::Manual, Some(note)) = (reason, session.control.note.clone()) {
                checkpoint::annotate(&mut saved, note)?;
            }
            Ok(saved)
        })?;
        if reason == CheckpointReason::Manual {
            self.control.note = None;
        }
        self.tell_saved(&saved)?;
        if reason == CheckpointReason::Periodic && keep > 0 {
            checkpoint::prune(&folder, keep)?;
        }
        Ok(())
    }

    fn tell_saved(&mut self, saved: &Checkpoint) -> Result<(), TrainError> {
        self.newest = Some(saved.path.clone());
        let (step, bytes, reason) = (saved.manifest.step, saved.bytes(), saved.manifest.reason);
        Ok(self.reporter.report(Event::Checkpoint(CheckpointSaved {
            step,
            path: saved.path.clone(),
            bytes,
            reason,
            note: saved.manifest.note.clone(),
        }))?)
    }

    /// Stores the events that the store had no room for, as soon as it has.
    pub(super) fn catch_up(&mut self) -> Result<(), TrainError> {
        if self.reporter.is_behind() { self.with_room(|session| Ok(session.reporter.catch_up()?)) } else { Ok(()) }
    }

    /// Does work that writes. While there is no room for it, the run is paused; it ends only if it is asked to.
    fn with_room<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, TrainError>) -> Result<T, TrainError> {
        let (began, mut looked) = (Instant::now(), Instant::now());
        match work(self) {
            Err(error) if error.can_wait() => self.tell_paused(&error),
            done => return done,
        }
        loop {
            let stops = self.control.wait().stop.is_some();
            if !stops && looked.elapsed() < LOOK {
                continue;
            }
            looked = Instant::now();
            match work(self) {
                Err(error) if error.can_wait() && !stops => {}
                done => {
                    if done.is_ok() {
                        self.tell_room(began)?;
                    }
                    return done;
                }
            }
        }
    }

    fn tell_paused(&mut self, error: &TrainError) {
        let message =
            format!("{error}: paused until it can be written; nothing is lost: make room on the disk, or stop the run");
        tracing::error!("{message}");
        // Not into the store, which may be what has no room.
        self.reporter.announce(Event::Log(LogLine { level: LogLevel::Error, message }));
        self.reporter.announce(Event::State(StateChanged { state: RunState::Paused }));
    }

    fn tell_room(&mut self, began: Instant) -> Result<(), TrainError> {
        let waited = began.elapsed().as_secs_f64();
        let text = format!("nothing could be written for {waited:.0} s; now it can, and the run goes on");
        self.reporter.log(LogLevel::Warn, text)?;
        Ok(self.reporter.state(self.control.due())?)
    }
}
