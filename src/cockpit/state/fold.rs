//! The fold itself.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{Curves, Flows, LogEntry, LogTail, Marker, MarkerKind, Notices, Samples, Series};
use crate::run::{
    event::{
        Alarm, CheckpointReason, CheckpointSaved, EvalDone, Event, LogLevel, Phase, Progress, Record, Refusal,
        RunEnded, RunStarted, RunState, SettingChanged, Severity, StateChanged, StepDone,
    },
    metrics,
    pace::Left,
};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is folded in.
    Yes,
    /// It was folded in before.
    Duplicate,
}

/// Why no trainer is at work on a run that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It hung up while it was looked at.
    Gone,
    /// It was not there to begin with.
    NotRunning,
}

/// All that the records said so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunView {
    info: Option<Box<RunStarted>>,
    state: Option<RunState>,
    step: u64,
    curves: Curves,
    progress: Option<Progress>,
    samples: Samples,
    gradients: Flows,
    schemas: BTreeMap<String, Arc<str>>,
    log: LogTail,
    checkpoints: Vec<CheckpointSaved>,
    notices: Notices,
    ended: Option<RunEnded>,
    absence: Option<Absence>,
    last_seq: u64,
    missed: u64,
    left_out: u64,
    unknown: u64,
}

impl RunView {
    /// Folds all records of a stored run.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut view = Self::default();
        for record in records {
            view.apply(record);
        }
        view
    }

    /// Folds one record. Stored records that were seen before are left out; missing ones before it are counted.
    pub fn apply(&mut self, record: &Record) -> Applied {
        if record.seq != 0 {
            if record.seq <= self.last_seq {
                return Applied::Duplicate;
            }
            self.missed += record.seq - self.last_seq - 1;
            self.last_seq = record.seq;
        }
        let idle = matches!(&record.event, Event::Run(_) | Event::State(StateChanged { state: RunState::Loading }));
        self.curves.timeline.tick(record.time, idle);
        match &record.event {
            Event::Run(started) => self.start(record.time, started),
            Event::Progress(progress) => self.progress = Some(*progress),
            Event::Step(done) => {
                self.progress = None;
                self.step_done(done);
            }
            Event::Group(group) => {
                self.curves.timeline.score(group.candidates.len());
                self.samples.push((**group).clone());
            }
            Event::Eval(eval) => {
                self.progress = None;
                self.eval_done(record.time, eval);
            }
            Event::Checkpoint(saved) => {
                self.progress = None;
                self.checkpoint_saved(record.time, saved);
            }
            Event::State(StateChanged { state }) => self.enter(*state),
            Event::Log(line) => self.say(Some(record.time), line.level, line.message.clone()),
            Event::Alarm(alarm) => self.alarm(record.time, alarm),
            Event::Changed(change) => self.changed(record.time, change),
            Event::Refused(Refusal { asked, reason }) => {
                self.say(Some(record.time), LogLevel::Warn, format!("asked {asked}, which is refused: {reason}"));
            }
            Event::Answer(answer) => {
                self.progress = None;
                self.notices.answer(answer);
            }
            Event::End(ended) => self.end(record.time, ended),
            Event::Gradients(flow) => self.gradients.push(flow.clone()),
            Event::Schema(schema) => {
                self.schemas.insert(schema.db_id.clone(), schema.text.as_str().into());
            }
            Event::Other => self.unknown += 1,
        }
        Applied::Yes
    }

    /// Takes note of groups of the past that stay in the store on purpose: they are not missed.
    pub fn leave_out(&mut self, groups: u64) {
        self.left_out += groups;
        self.samples.forget(groups);
    }

    fn enter(&mut self, state: RunState) {
        self.state = Some(state);
        match state {
            // A trainer took the run up again, whatever the one before it said.
            RunState::Loading => (self.ended, self.absence) = (None, None),
            RunState::Paused => self.progress = None,
            RunState::Running | RunState::Pausing | RunState::Stopping | RunState::Ended => {}
        }
    }

    fn start(&mut self, time: f64, started: &RunStarted) {
        if let Some(step) = started.resumed_from {
            self.forget_after(step);
            self.say(Some(time), LogLevel::Info, format!("resumed from the checkpoint of step {step}"));
        }
        self.notices.start(started);
        self.ended = None;
        self.absence = None;
        self.progress = None;
        self.state = Some(RunState::Loading);
        self.info = Some(Box::new(started.clone()));
    }

    /// A resumed trainer computes the later steps anew: what was said of them is void.
    fn forget_after(&mut self, step: u64) {
        self.step = self.step.min(step);
        self.curves.truncate_after(step);
        self.checkpoints.retain(|saved| saved.step <= step);
        self.samples.truncate_after(step);
        self.gradients.truncate_after(step);
    }

    fn step_done(&mut self, done: &StepDone) {
        self.step = done.step;
        for (name, value) in &done.metrics.0 {
            self.curves.series.entry(name.clone()).or_default().push(done.step, *value);
        }
        self.curves.revision += 1;
        self.curves.timeline.done(done.step, done.metrics.get(metrics::NUM_TOKENS));
    }

    fn eval_done(&mut self, time: f64, eval: &EvalDone) {
        self.curves.evals.retain(|old| old.step < eval.step);
        self.curves.evals.push(eval.clone());
        self.curves.revision += 1;
        let best = if eval.best { ", best so far" } else { "" };
        let percent = eval.execution_accuracy * 100.0;
        let text = format!("held-out at step {}: {}/{} right ({percent:.1}%){best}", eval.step, eval.correct, eval.n);
        self.say(Some(time), LogLevel::Info, text);
        self.notices.mark(eval.step, MarkerKind::Evaluation, format!("held-out {percent:.1}%{best}"));
    }

    fn alarm(&mut self, time: f64, alarm: &Alarm) {
        let level = match alarm.severity {
            _ if !alarm.active => LogLevel::Info,
            Severity::Notice => LogLevel::Info,
            Severity::Warning => LogLevel::Warn,
            Severity::Critical => LogLevel::Error,
        };
        let what = if alarm.active { &alarm.what } else { "is over" };
        let done = alarm.done.as_ref().map_or_else(String::new, |done| format!("; {done}"));
        self.say(Some(time), level, format!("doctor: {}: {what}{done}", alarm.detector));
        self.notices.alarm(alarm);
    }

    fn changed(&mut self, time: f64, change: &SettingChanged) {
        let SettingChanged { key, old, new, takes_effect, .. } = change;
        self.say(Some(time), LogLevel::Info, format!("{key}: {old} → {new} from step {takes_effect} on"));
        // What is shown as the run's settings is what it trains by.
        if let (Some(info), Some((group, name))) = (&mut self.info, key.split_once('.'))
            && let Some(value) = info.settings.get_mut(group).and_then(|group| group.get_mut(name))
        {
            *value = new.clone();
        }
        self.notices.change(change);
    }

    fn checkpoint_saved(&mut self, time: f64, saved: &CheckpointSaved) {
        if self.checkpoints.contains(saved) {
            // One that was kept as the best and was due anyway is told twice.
            return;
        }
        self.checkpoints.retain(|old| old.step != saved.step);
        self.checkpoints.push(saved.clone());
        let why = match saved.reason {
            CheckpointReason::Periodic => "",
            CheckpointReason::Best => " (best so far)",
            CheckpointReason::Manual => " (asked for)",
            CheckpointReason::Final => " (final)",
        };
        let path = self.in_run_dir(&saved.path);
        let note = saved.note.as_ref().map_or_else(String::new, |note| format!(" “{note}”"));
        let text = format!("checkpoint of step {}{why}: {}{note}", saved.step, path.display());
        self.say(Some(time), LogLevel::Info, text);
        let said = saved.note.clone().unwrap_or_else(|| format!("checkpoint{why}"));
        self.notices.mark(saved.step, MarkerKind::Checkpoint, said);
    }

    fn end(&mut self, time: f64, ended: &RunEnded) {
        self.state = Some(RunState::Ended);
        self.progress = None;
        if let Some(message) = &ended.message {
            self.say(Some(time), LogLevel::Error, message.clone());
        }
        self.ended = Some(ended.clone());
    }

    /// A path as seen from the run folder, if it lies in there.
    pub fn in_run_dir<'a>(&self, path: &'a Path) -> &'a Path {
        self.info.as_ref().and_then(|info| path.strip_prefix(&info.run_dir).ok()).unwrap_or(path)
    }

    /// Adds a line to the log pane; `time` is `None` for the cockpit's own words.
    pub fn say(&mut self, time: Option<f64>, level: LogLevel, message: String) {
        self.log.push(LogEntry { time, level, message });
    }

    /// The trainer hung up. Unless it said `end` before, the run is lost to this cockpit.
    pub fn trainer_gone(&mut self) {
        self.is_without(Absence::Gone, LogLevel::Error, "the trainer is gone without saying how the run ended");
    }

    /// No trainer is at work on the run, which unless it ended is how one that was killed left it.
    pub fn no_trainer(&mut self) {
        self.is_without(
            Absence::NotRunning,
            LogLevel::Warn,
            "no trainer is at work on this run; this is how one left it",
        );
    }

    fn is_without(&mut self, absence: Absence, level: LogLevel, words: &str) {
        if self.ended.is_none() {
            self.absence = Some(absence);
            self.progress = None;
            self.say(None, level, words.into());
        }
    }

    /// The first event of the run, or of its newest resumption.
    pub fn info(&self) -> Option<&RunStarted> {
        self.info.as_deref()
    }

    /// The state as the trainer last acknowledged it.
    pub fn state(&self) -> RunState {
        self.state.unwrap_or(RunState::Loading)
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Steps at which the run ends.
    pub fn max_steps(&self) -> Option<u64> {
        self.info.as_ref().map(|info| info.max_steps)
    }

    /// A metric over the steps.
    pub fn series(&self, name: &str) -> Option<&Series> {
        self.curves.series(name)
    }

    /// Held-out evaluations, oldest first.
    pub fn evals(&self) -> &[EvalDone] {
        self.curves.evals()
    }

    /// What charts are drawn from.
    pub fn curves(&self) -> &Curves {
        &self.curves
    }

    /// The same, of a run of which nothing else is wanted.
    pub fn into_curves(self) -> Curves {
        self.curves
    }

    /// What the trainer is doing, where it is doing something.
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// The phase in progress.
    pub fn phase(&self) -> Option<Phase> {
        self.progress.map(|progress| progress.phase)
    }

    /// The newest groups of candidates.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Gradients by layer, of the newest steps that told them.
    pub fn gradients(&self) -> &Flows {
        &self.gradients
    }

    /// The tables of a database, if the run tells them.
    pub fn schema(&self, db_id: &str) -> Option<&Arc<str>> {
        self.schemas.get(db_id)
    }

    /// The newest log lines.
    pub fn log(&self) -> &LogTail {
        &self.log
    }

    /// Checkpoints, oldest first.
    pub fn checkpoints(&self) -> &[CheckpointSaved] {
        &self.checkpoints
    }

    /// Alarms, changes by hand, answers, and what charts mark.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// What charts mark, by step.
    pub fn markers(&self) -> &[Marker] {
        self.notices.markers()
    }

    /// How the run ended, once it has.
    pub fn ended(&self) -> Option<&RunEnded> {
        self.ended.as_ref()
    }

    /// Why no trainer is at work on the run, if it has not ended.
    pub fn absence(&self) -> Option<Absence> {
        self.absence
    }

    /// Whether the run has not ended, and yet has no trainer.
    pub fn is_lost(&self) -> bool {
        self.absence.is_some()
    }

    /// Whether a trainer is at work on the run: it would be lost by leaving carelessly.
    pub fn is_live(&self) -> bool {
        self.ended.is_none() && self.absence.is_none()
    }

    /// The newest sequence number folded in.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Stored records that never arrived, not even from the store.
    pub fn missed(&self) -> u64 {
        self.missed.saturating_sub(self.left_out)
    }

    /// Events of a newer program, passed over.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Seconds of training so far: without the time in which no trainer was at work, and without steps that a resumption made void.
    pub fn elapsed(&self) -> f64 {
        self.curves.timeline.clock()
    }

    /// Seconds that the remaining steps and evaluations take if they go on like the newest ones.
    pub fn eta(&self) -> Option<f64> {
        let eval = &self.info()?.settings["eval"];
        let every = eval["every"].as_u64().unwrap_or(0);
        let left = Left::after(self.step, self.max_steps()?, every);
        let step_time = self.series(metrics::STEP_TIME)?.recent_mean(16)?;
        let eval_time =
            self.evals().last().filter(|_| eval["questions"].as_u64() > Some(0)).map_or(0.0, |eval| eval.time);
        (left.steps > 0 && self.is_live()).then(|| left.seconds(step_time, eval_time))
    }
}
