//! A trainer's whole working life: load, train, obey, save, end.

mod health;
mod orders;
mod patience;
mod samples;
mod saving;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use super::{
    TrainError,
    bridge::{Breaks, Bridge},
    control::{Control, Stop},
    learner::{Examined, Learner, value},
    watch::Watch,
};
use crate::{
    doctor::Doctor,
    run::{
        checkpoint,
        event::{CheckpointReason, EndReason, Event, LogLevel, RunEnded, RunStarted, RunState, StateChanged},
        folder::RunFolder,
        memory::MemoryMeter,
        metrics,
        pace::{Left, Pace, duration},
        profile::Work,
        reporter::Reporter,
    },
};

/// What a session is given: a trainer ready to work, and the first event.
pub struct Loaded<L> {
    /// The trainer.
    pub trainer: L,
    /// The first event of the run.
    pub started: RunStarted,
    /// Reads memory in use.
    pub memory: MemoryMeter,
    /// Things worth a line in the log.
    pub notes: Vec<(LogLevel, String)>,
}

/// A trainer at work.
struct Session<'a, L> {
    trainer: L,
    started: RunStarted,
    memory: MemoryMeter,
    folder: &'a RunFolder,
    control: &'a mut Control,
    reporter: &'a mut Reporter,
    newest: Option<PathBuf>,
    pace: Pace,
    doctor: Doctor,
    total_memory: Option<u64>,
    /// Databases whose tables this trainer has told.
    told: BTreeSet<String>,
}

/// Loads and trains until the run is over, stopped or failed, and reports that as the last event.
///
/// # Errors
/// What made the run fail, after it was reported.
pub fn run<L: Learner>(
    folder: &RunFolder,
    mut control: Control,
    mut reporter: Reporter,
    load: impl FnOnce(&mut dyn Watch) -> Result<Loaded<L>, TrainError>,
) -> Result<RunEnded, TrainError> {
    let worked = caught(|| work(folder, &mut control, &mut reporter, load));
    let ended = worked.as_ref().map_or_else(|error| failure(folder, &reporter, error), Clone::clone);
    if ended.reason == EndReason::Failed {
        tracing::error!("{}", ended.message.as_deref().unwrap_or_default());
    }
    let told = reporter.report_last(Event::State(StateChanged { state: RunState::Ended }));
    let told = reporter.report_last(Event::End(ended)).and(told);
    worked.and_then(|ended| told.map(|()| ended).map_err(TrainError::from))
}

/// How a run that failed has ended.
fn failure(folder: &RunFolder, reporter: &Reporter, error: &TrainError) -> RunEnded {
    // Why a checkpoint cannot be read is no news beside the error at hand.
    let newest = checkpoint::newest(&folder.checkpoints()).ok().and_then(|(found, _)| found);
    RunEnded {
        step: reporter.last_step().max(newest.as_ref().map_or(0, |c| c.manifest.step)),
        reason: EndReason::Failed,
        message: Some(error.to_string()),
        checkpoint: newest.map(|c| c.path),
        best: None,
    }
}

/// A panic in a computation, as an error.
fn caught<T>(work: impl FnOnce() -> Result<T, TrainError>) -> Result<T, TrainError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(TrainError::Panic(panic_text(panic.as_ref()))))
}

/// What a panic says.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a computation panicked".to_owned())
}

fn work<L: Learner>(
    folder: &RunFolder,
    control: &mut Control,
    reporter: &mut Reporter,
    load: impl FnOnce(&mut dyn Watch) -> Result<Loaded<L>, TrainError>,
) -> Result<RunEnded, TrainError> {
    reporter.state(RunState::Loading)?;
    let mut bridge = Bridge::new(control, reporter, 0, Breaks::OnAnyStop);
    bridge.enter(Work::Loading);
    let loaded = load(&mut bridge)?;
    bridge.finish()?;
    reporter.leave();
    reporter.report(Event::Run(Box::new(loaded.started.clone())))?;
    for (level, note) in loaded.notes {
        reporter.log(level, note)?;
    }
    control.told = RunState::Running;
    let due = control.due();
    control.told = due;
    reporter.state(due)?;
    let (trainer, started, memory) = (loaded.trainer, loaded.started, loaded.memory);
    let newest = checkpoint::newest(&folder.checkpoints())?.0.map(|c| c.path);
    let total_memory = memory.total();
    Session {
        trainer,
        started,
        memory,
        folder,
        total_memory,
        control,
        reporter,
        newest,
        pace: Pace::default(),
        doctor: Doctor::default(),
        told: BTreeSet::new(),
    }
    .train()
}

impl<L: Learner> Session<'_, L> {
    fn train(mut self) -> Result<RunEnded, TrainError> {
        let trained = caught(|| {
            self.take_up_doctor()?;
            self.train_on()
        });
        if trained.is_err() {
            self.rescue();
        }
        trained
    }

    fn train_on(&mut self) -> Result<RunEnded, TrainError> {
        if self.owes_evaluation() {
            self.evaluate()?;
            self.obey()?;
        }
        while !self.is_complete() && self.control.poll().stop.is_none() {
            if self.train_step()? {
                self.after_step()?;
            }
            self.obey()?;
        }
        self.finish()
    }

    fn step(&self) -> u64 {
        self.trainer.progress().step
    }

    /// Whether the evaluation of the step at hand is due before the next: the first one, or one that a stop has broken off.
    fn owes_evaluation(&self) -> bool {
        let (step, eval) = (self.step(), &self.trainer.settings().eval);
        if step == 0 {
            return eval.at_start;
        }
        let due = eval.questions > 0 && eval.every > 0 && step.is_multiple_of(eval.every) && !self.is_complete();
        due && self.trainer.progress().last_eval != Some(step)
    }

    fn is_complete(&self) -> bool {
        self.step() >= self.trainer.max_steps() || self.trainer.is_content() || self.is_out_of_patience()
    }

    /// Trains a step and reports it; `false` if it was broken off.
    fn train_step(&mut self) -> Result<bool, TrainError> {
        let (step, skipped) = (self.step() + 1, self.trainer.progress().skipped);
        let mut bridge = Bridge::new(self.control, self.reporter, step, Breaks::OnDroppedStep);
        bridge.enter(Work::Step);
        let output = self.trainer.step(&mut bridge)?;
        bridge.finish()?;
        self.reporter.leave();
        let Some(mut output) = output else { return Ok(false) };
        self.memory.describe(&mut output.done.metrics);
        for warning in output.warnings {
            self.reporter.log(LogLevel::Warn, warning)?;
        }
        self.tell_tables(&output.groups)?;
        for group in output.groups {
            self.watched(Event::Group(Box::new(group)))?;
        }
        if let Some(gradients) = output.gradients {
            self.reporter.report(Event::Gradients(gradients))?;
        }
        let log_every = self.trainer.settings().run.log_every;
        self.pace.step(value(&output.done.metrics, metrics::STEP_TIME));
        if log_every > 0 && step.is_multiple_of(log_every) {
            let (max, every) = (self.trainer.max_steps(), self.trainer.settings().eval.every);
            let left = self.pace.of(Left::after(step, max, every)).map_or_else(String::new, |left| {
                let left = duration(left);
                format!(", {left} left")
            });
            tracing::info!("step {step}/{max}: {}{left}", self.trainer.line(&output.done));
        }
        self.watched(Event::Step(output.done))?;
        self.pause_if_stuck(skipped)?;
        Ok(true)
    }

    /// Pauses a run of which every so many updates in a row were left out; `before` is how many that were before this step.
    fn pause_if_stuck(&mut self, before: u64) -> Result<(), TrainError> {
        let (skipped, most) = (self.trainer.progress().skipped, self.trainer.settings().optim.max_skipped_updates);
        if most == 0 || skipped <= before || skipped / most == before / most {
            return Ok(());
        }
        self.control.wanted.pause = true;
        let text = format!(
            "{skipped} updates in a row were left out because loss or gradient was not finite: paused. Going on changes nothing by \
             itself: stop the run and resume it from an earlier checkpoint, with a lower optim.learning_rate or optim.max_grad_norm"
        );
        tracing::error!("{text}");
        Ok(self.reporter.log(LogLevel::Error, text)?)
    }

    /// What is due by the calendar.
    fn after_step(&mut self) -> Result<(), TrainError> {
        let (step, settings) = (self.step(), self.trainer.settings());
        let due = |every: u64| every > 0 && step.is_multiple_of(every) && step < self.trainer.max_steps();
        let (evaluate, save) = (due(settings.eval.every), due(settings.run.checkpoint_every));
        if evaluate {
            self.evaluate()?;
        }
        if save {
            self.checkpoint(CheckpointReason::Periodic)?;
        }
        Ok(())
    }

    /// What was asked for, until nothing is left to do but train or stop.
    fn obey(&mut self) -> Result<(), TrainError> {
        loop {
            self.catch_up()?;
            let wanted = self.control.poll();
            self.do_orders(wanted.stop)?;
            if std::mem::take(&mut self.control.wanted.checkpoint) {
                self.checkpoint(CheckpointReason::Manual)?;
            }
            if wanted.stop.is_none() && std::mem::take(&mut self.control.wanted.evaluate) {
                self.evaluate()?;
                continue;
            }
            if let Some(stop) = wanted.stop {
                self.tell(RunState::Stopping)?;
                return Ok(self.reporter.log(LogLevel::Info, stop_text(stop))?);
            }
            if !wanted.pause {
                return self.tell(RunState::Running);
            }
            if std::mem::take(&mut self.control.wanted.once) {
                return self.tell(RunState::Pausing);
            }
            self.tell(RunState::Paused)?;
            self.control.wait();
        }
    }

    fn tell(&mut self, state: RunState) -> Result<(), TrainError> {
        if self.control.told != state {
            self.control.told = state;
            self.reporter.state(state)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<(), TrainError> {
        if self.trainer.settings().eval.questions == 0 {
            return Ok(self.reporter.log(LogLevel::Info, "no evaluation: eval.questions is 0")?);
        }
        let step = self.step();
        let mut bridge = Bridge::new(self.control, self.reporter, step, Breaks::OnAnyStop);
        bridge.enter(Work::Evaluation);
        let done = self.trainer.evaluate(&mut bridge)?;
        bridge.finish()?;
        self.reporter.leave();
        match done {
            Some(Examined { done, groups }) => {
                self.tell_tables(&groups)?;
                for group in groups {
                    self.reporter.report(Event::Group(Box::new(group)))?;
                }
                self.pace.eval(done.time);
                let is_kept = done.best && done.step > 0 && self.trainer.settings().eval.keep_best;
                tracing::info!(
                    "step {}: held-out execution accuracy {:.1} % ({}/{})",
                    done.step,
                    done.execution_accuracy * 100.0,
                    done.correct,
                    done.n
                );
                self.watched(Event::Eval(done))?;
                // A run that is complete writes its last checkpoint anyway.
                if is_kept && !self.is_complete() { self.keep_best() } else { Ok(()) }
            }
            None if self.control.poll().stop.is_none() => {
                Ok(self.reporter.log(LogLevel::Warn, "no evaluation: there are no held-out questions")?)
            }
            None => Ok(self.reporter.log(LogLevel::Info, "the evaluation was broken off by the request to stop")?),
        }
    }

    fn finish(&mut self) -> Result<RunEnded, TrainError> {
        let examined = self.trainer.progress().last_eval == Some(self.step());
        if self.is_complete() && self.control.poll().stop.is_none() && !examined {
            self.evaluate()?;
            self.obey()?;
            if !self.is_complete() {
                // Somebody went back to an earlier checkpoint meanwhile.
                return self.train_on();
            }
        }
        let stop = self.control.poll().stop;
        if stop != Some(Stop::Now) && self.step() > 0 {
            self.checkpoint(CheckpointReason::Final)?;
        }
        self.catch_up()?;
        let reason = match stop {
            None if self.is_out_of_patience() => EndReason::EarlyStopped,
            None => EndReason::Completed,
            Some(Stop::Signal) => EndReason::Signal,
            Some(Stop::AfterStep | Stop::Now) => EndReason::Stopped,
        };
        let best = self.best();
        if reason == EndReason::EarlyStopped {
            self.tell_patience(best.as_ref())?;
        }
        Ok(RunEnded { step: self.step(), reason, message: None, checkpoint: self.newest.clone(), best })
    }
}

fn stop_text(stop: Stop) -> &'static str {
    match stop {
        Stop::AfterStep => "stopping with a checkpoint",
        Stop::Now => "stopping without a checkpoint; those on disk stay",
        Stop::Signal => "a signal came: stopping with a checkpoint of the last whole step",
    }
}
