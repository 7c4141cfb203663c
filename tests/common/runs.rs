//! A working folder in which runs are started, watched and listed.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use sqlr1_tui::run::{event::Event, store::RunStore};

use super::{
    assert_code, program,
    pty::{Pty, wait_until},
};

/// A working folder with runs in it. Dropping it ends the trainers that a failed test has left.
pub struct Place {
    /// The folder.
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(place.dir.path().join("runtime")).unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    pub fn program(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.args(words).current_dir(self.dir.path());
        for (name, folder) in
            [("XDG_RUNTIME_DIR", "runtime"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, self.path(folder));
        }
        command
    }

    /// A run of small, quick steps of the built-in model.
    pub fn train(&self, run: &str, steps: u64) -> Command {
        let steps = steps.to_string();
        let mut command = self.program(&["train", "--config", "demo", "--run-dir", run, "--max-steps", &steps]);
        for set in [
            "rollout.num_generations=2",
            "rollout.max_completion_length=12",
            "rollout.prompts_per_step=1",
            "eval.questions=0",
            "run.checkpoint_every=5",
            "data.limit=40",
        ] {
            command.args(["--set", set]);
        }
        command
    }

    pub fn headless(&self, run: &str, steps: u64) -> Child {
        self.train(run, steps).arg("--headless").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn output(&self, words: &[&str]) -> Output {
        self.program(words).output().unwrap()
    }

    pub fn attach(&self, words: &[&str]) -> Option<Pty> {
        Pty::start(self.program(&["attach"]).args(words))
    }

    pub fn note(&self, run: &str) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.path(run).join("trainer.json")).ok()?).ok()
    }

    pub fn trainer(&self, run: &str) -> u32 {
        self.note(run).unwrap()["pid"].as_u64().unwrap().try_into().unwrap()
    }

    pub fn socket(&self, run: &str) -> PathBuf {
        wait_until("the trainer listens", || self.note(run).is_some());
        self.note(run).unwrap()["socket"].as_str().unwrap().into()
    }

    /// Steps that the run's store has.
    pub fn steps(&self, run: &str) -> Vec<u64> {
        let Ok(store) = RunStore::open_read_only(&self.path(run).join("run.db")) else { return Vec::new() };
        let step = |event: Event| event.step().filter(|_| matches!(event, Event::Step(_)));
        store.since(0, usize::MAX).unwrap().into_iter().filter_map(|record| step(record.event)).collect()
    }

    /// Waits for more steps than there are.
    pub fn goes_on(&self, run: &str) {
        let before = self.steps(run).len();
        wait_until("training goes on", || self.steps(run).len() > before);
    }

    pub fn state(&self, run: &str) -> String {
        let output = self.output(&["runs", "--json", "."]);
        assert_code(&output, 0);
        let runs = String::from_utf8(output.stdout).unwrap();
        let runs: Vec<Value> = runs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found = runs.iter().find(|found| found["name"] == run).unwrap_or_else(|| panic!("no {run} in {runs:?}"));
        found["state"].as_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.dir.path()).into_iter().flatten().flatten() {
            if let Some(note) = self.note(&entry.file_name().to_string_lossy()) {
                let pid = note["pid"].as_u64().unwrap_or(0).to_string();
                let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                if words.contains("sqlr1-tui") {
                    let _ = Command::new("kill").args(["-9", &pid]).status();
                }
            }
        }
    }
}
