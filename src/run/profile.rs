//! Where a run's time goes, as a trace that Perfetto and Chrome's own viewer show.
//!
//! The file is in Chrome's trace event format, the array form: a begin and an end event for each piece of work, written as it happens.
//! The array's end may be missing, so what a killed run has left can be loaded as it is, up to the work that it died in.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};

/// A piece of work whose time is told. Those of a deeper level are parts of the one before them on a higher level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reading model and data.
    Loading,
    /// One optimizer step.
    Step,
    /// Generating completions.
    Rollout,
    /// Executing SQL, computing rewards.
    Reward,
    /// From rewards to a new policy.
    Update,
    /// Log-probabilities under the reference policy.
    Reference,
    /// The objective's gradient.
    Gradient,
    /// Clipping and AdamW.
    Optimizer,
    /// A held-out evaluation.
    Evaluation,
    /// Writing a checkpoint.
    Checkpoint,
}

impl Work {
    fn level(self) -> usize {
        match self {
            Self::Loading | Self::Step | Self::Evaluation | Self::Checkpoint => 0,
            Self::Rollout | Self::Reward | Self::Update => 1,
            Self::Reference | Self::Gradient | Self::Optimizer => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Step => "step",
            Self::Rollout => "rollout",
            Self::Reward => "reward",
            Self::Update => "update",
            Self::Reference => "reference",
            Self::Gradient => "gradient",
            Self::Optimizer => "optimizer",
            Self::Evaluation => "evaluation",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// A trace being written.
#[derive(Debug)]
pub struct Profile {
    file: Option<File>,
    path: PathBuf,
    start: Instant,
    open: Vec<Work>,
}

impl Profile {
    /// Begins a trace in a new file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(b"[\n")?;
        let mut profile = Self { file: Some(file), path: path.to_owned(), start: Instant::now(), open: Vec::new() };
        let unix = super::reporter::now();
        for (name, args) in [
            ("process_name", json!({"name": "sqlr1-tui", "unix_time": unix})),
            ("thread_name", json!({"name": "trainer"})),
        ] {
            profile.write(&json!({"name": name, "ph": "M", "pid": std::process::id(), "tid": 1, "args": args}));
        }
        Ok(profile)
    }

    /// Work begins; what it is no part of has ended.
    pub fn enter(&mut self, work: Work, step: u64) {
        let time = self.time();
        self.end_down_to(work.level(), time);
        self.open.push(work);
        self.write(&json!({
            "name": work.name(), "cat": "sqlr1", "ph": "B", "ts": time, "pid": std::process::id(), "tid": 1, "args": {"step": step},
        }));
    }

    /// All work has ended.
    pub fn leave(&mut self) {
        let time = self.time();
        self.end_down_to(0, time);
    }

    /// Microseconds since the trace began.
    fn time(&self) -> f64 {
        self.start.elapsed().as_nanos() as f64 / 1e3
    }

    fn end_down_to(&mut self, level: usize, time: f64) {
        while let Some(work) = self.open.pop_if(|work| work.level() >= level) {
            self.write(&json!({"name": work.name(), "ph": "E", "ts": time, "pid": std::process::id(), "tid": 1}));
        }
    }

    /// Writes an event at once. A trace that cannot be written is given up: it is no reason to stop training.
    fn write(&mut self, event: &Value) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(format!("{event},\n").as_bytes()) {
            tracing::warn!(
                "the profile {} cannot be written ({error}); the run goes on without it",
                self.path.display()
            );
            self.file = None;
        }
    }
}

impl Drop for Profile {
    /// Ends the array, with an event that needs no comma after it.
    fn drop(&mut self) {
        self.leave();
        let last = json!({"name": "end", "ph": "i", "s": "p", "ts": self.time(), "pid": std::process::id(), "tid": 1});
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(format!("{last}\n]\n").as_bytes())
        {
            tracing::warn!("the profile {} has no end: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with depths, in the order in which they begin.
    fn nesting(events: &[Value]) -> Vec<(String, usize)> {
        let (mut open, mut found) = (Vec::new(), Vec::new());
        for event in events {
            let name = event["name"].as_str().unwrap().to_owned();
            match event["ph"].as_str().unwrap() {
                "B" => {
                    found.push((name.clone(), open.len()));
                    open.push(name);
                }
                "E" => assert_eq!(open.pop(), Some(name)),
                _ => {}
            }
        }
        assert!(open.is_empty());
        found
    }

    #[test]
    fn work_nests_and_times_rise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.json");
        let mut profile = Profile::create(&path).unwrap();
        for work in
            [Work::Step, Work::Rollout, Work::Reward, Work::Update, Work::Reference, Work::Gradient, Work::Checkpoint]
        {
            profile.enter(work, 1);
        }
        profile.leave();
        let killed = std::fs::read_to_string(&path).unwrap();
        drop(profile);
        let events: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let nested = nesting(&events);
        let depths: Vec<(&str, usize)> = nested.iter().map(|(name, depth)| (name.as_str(), *depth)).collect();
        assert_eq!(
            depths,
            [
                ("step", 0),
                ("rollout", 1),
                ("reward", 1),
                ("update", 1),
                ("reference", 2),
                ("gradient", 2),
                ("checkpoint", 0)
            ]
        );
        let times: Vec<f64> = events.iter().filter_map(|event| event["ts"].as_f64()).collect();
        assert!(times.is_sorted() && times.len() == 15);
        // A killed run lacks the end; whoever loads it adds that.
        let mended = format!("{}]", killed.trim_end().trim_end_matches(','));
        assert_eq!(nesting(&serde_json::from_str::<Vec<Value>>(&mended).unwrap()), nested);
    }
}
