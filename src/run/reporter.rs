//! The one way out of a trainer: an event goes into the store, then to the viewers, then, headless, to stdout.
//!
//! Where the disk has no room, or somebody else has the store for too long, events wait here for the store, in order, and are shown once they are in it; the trainer is expected
//! to look at [`Reporter::is_behind`] and to pause.

use std::{
    collections::VecDeque,
    io::Write,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    bus::Bus,
    event::{Event, LogLevel, LogLine, Record, RunState, StateChanged},
    profile::{Profile, Work},
    store::{RunStore, StoreError},
};

/// Where headless output goes, one JSON object a line.
pub type Lines = Box<dyn Write + Send>;

/// Stores and publishes a trainer's events.
pub struct Reporter {
    store: RunStore,
    bus: Bus,
    lines: Option<Lines>,
    /// Events with their times that the store has no room for.
    waiting: VecDeque<(f64, Event)>,
    last_step: u64,
    begun: bool,
    profile: Option<Profile>,
}

impl Reporter {
    /// Reports into `store`, to the viewers of `bus`, and to `lines` if the run is headless.
    pub fn new(store: RunStore, bus: Bus, lines: Option<Lines>) -> Self {
        Self { store, bus, lines, waiting: VecDeque::new(), last_step: 0, begun: false, profile: None }
    }

    /// Also writes where the time goes.
    #[must_use]
    pub fn with_profile(self, profile: Option<Profile>) -> Self {
        Self { profile, ..self }
    }

    /// Work of a step begins; what it is no part of has ended.
    pub fn enter(&mut self, work: Work, step: u64) {
        if let Some(profile) = &mut self.profile {
            profile.enter(work, step);
        }
    }

    /// All work has ended.
    pub fn leave(&mut self) {
        if let Some(profile) = &mut self.profile {
            profile.leave();
        }
    }

    /// Stores and publishes an event, now or when there is room on the disk.
    ///
    /// # Errors
    /// The store cannot take it, for another reason than that.
    pub fn report(&mut self, event: Event) -> Result<(), StoreError> {
        let time = now();
        if let Event::Step(done) = &event {
            self.last_step = done.step;
        }
        if let Event::Run(started) = &event {
            self.last_step = started.resumed_from.unwrap_or(0);
            self.begun = true;
        }
        if !event.is_stored() {
            self.show(Record { seq: 0, time, event });
            return Ok(());
        }
        let behind = self.is_behind();
        self.waiting.push_back((time, event));
        if behind {
            // A store that somebody holds lets each try wait: once for all events, not once for each.
            return Ok(());
        }
        match self.catch_up() {
            Err(error) if error.can_wait() => Ok(()),
            done => done,
        }
    }

    /// Stores and shows what waits.
    ///
    /// # Errors
    /// The store cannot take it; if for want of room ([`StoreError::can_wait`]), it keeps waiting.
    pub fn catch_up(&mut self) -> Result<(), StoreError> {
        while let Some((time, event)) = self.waiting.pop_front() {
            match self.store.append(time, event.clone()) {
                Ok(record) => self.show(record),
                Err(error) => {
                    if error.can_wait() {
                        self.waiting.push_front((time, event));
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether there are events that the store had no room for.
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Shows an event that is not stored: for what viewers must know while the store takes nothing.
    pub fn announce(&mut self, event: Event) {
        self.show(Record { seq: 0, time: now(), event });
    }

    fn show(&mut self, record: Record) {
        self.print(&record.event);
        self.bus.publish(&Arc::new(record));
    }

    /// Reports a line for the log pane; it also goes to the program's own log.
    ///
    /// # Errors
    /// As [`Reporter::report`].
    pub fn log(&mut self, level: LogLevel, message: impl Into<String>) -> Result<(), StoreError> {
        let message = message.into();
        match level {
            LogLevel::Debug => tracing::debug!("{message}"),
            LogLevel::Info => tracing::info!("{message}"),
            LogLevel::Warn => tracing::warn!("{message}"),
            LogLevel::Error => tracing::error!("{message}"),
        }
        self.report(Event::Log(LogLine { level, message }))
    }

    /// Reports a new state.
    ///
    /// # Errors
    /// As [`Reporter::report`].
    pub fn state(&mut self, state: RunState) -> Result<(), StoreError> {
        self.report(Event::State(StateChanged { state }))
    }

    /// The newest step reported, or the one that the run was resumed from.
    pub fn last_step(&self) -> u64 {
        self.last_step
    }

    /// Reports the last events of a trainer: viewers and headless output get them even if the store cannot take them any more.
    ///
    /// # Errors
    /// As [`Reporter::report`], and for want of room, after the event was shown.
    pub fn report_last(&mut self, event: Event) -> Result<(), StoreError> {
        let reported = self.report(event.clone()).and_then(|()| self.catch_up());
        reported.inspect_err(|_| self.announce(event))
    }

    /// Headless output is a convenience beside the store: a reader that goes away ends it, not the run. Its first line is always
    /// the event `run`: of a run that could not be loaded, stdout has nothing, and stderr and the exit code say why.
    fn print(&mut self, event: &Event) {
        let shown = matches!(
            event,
            Event::Run(_)
                | Event::Step(_)
                | Event::Eval(_)
                | Event::Checkpoint(_)
                | Event::Alarm(_)
                | Event::Changed(_)
                | Event::End(_)
        );
        let (true, Some(lines)) = (shown && self.begun, &mut self.lines) else { return };
        let written = serde_json::to_string(event).map_err(std::io::Error::other).and_then(|text| {
            writeln!(lines, "{text}")?;
            lines.flush()
        });
        if let Err(error) = written {
            tracing::warn!(
                "standard output is gone ({error}); the run goes on without it, its events are in the run folder"
            );
            self.lines = None;
        }
    }
}

/// Unix time in seconds.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::{Phase, Progress, StepDone};
    use crate::run::metrics::{self, Metrics};
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>, bool);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.1 {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn step() -> Event {
        let mut metrics = Metrics::default();
        metrics.set(metrics::REWARD, 0.5);
        Event::Step(StepDone { step: 1, metrics })
    }

    #[test]
    fn progress_is_shown_but_neither_stored_nor_printed() {
        let dir = tempfile::tempdir().unwrap();
        let (sink, bus) = (Sink::default(), Bus::default());
        let mut viewer = bus.subscribe().records;
        let store = RunStore::open(&dir.path().join("run.db")).unwrap();
        let mut reporter = Reporter::new(store, bus, Some(Box::new(sink.clone())));
        reporter.begun = true;
        reporter.report(Event::Progress(Progress { step: 1, phase: Phase::Rollout, done: 1, total: 2 })).unwrap();
        reporter.report(step()).unwrap();
        assert_eq!((viewer.try_recv().unwrap().seq, viewer.try_recv().unwrap().seq), (0, 1));
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "{\"type\":\"step\",\"step\":1,\"reward\":0.5}\n");
        assert_eq!(RunStore::open_read_only(&dir.path().join("run.db")).unwrap().since(0, 9).unwrap().len(), 1);
    }

    #[test]
    fn a_broken_pipe_ends_the_output_and_not_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let store = RunStore::open(&dir.path().join("run.db")).unwrap();
        let mut reporter = Reporter::new(store, Bus::default(), Some(Box::new(Sink(Arc::default(), true))));
        reporter.begun = true;
        reporter.report(step()).unwrap();
        reporter.report(step()).unwrap();
        assert!(reporter.lines.is_none());
    }
}
