//! Stages under a cockpit: it follows them, attached or not, and a signal to it ends it alone.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::{
    program,
    pty::{Pty, wait_until},
};
use serde_json::Value;

/// A short stage, and one that nobody waits for.
const STAGES: &str = "
model: { path: builtin:demo }
data: { root: builtin:demo, max_prompt_tokens: 512, limit: 64 }
lora: { r: 4 }
rollout: { num_generations: 2, prompts_per_step: 1, max_completion_length: 12 }
sft: { questions_per_bundle: 4, bundles_per_step: 1 }
eval: { questions: 0 }
run: { seed: 7 }
stages:
  - method: sft
    run: { max_steps: 20 }
  - method: grpo
    run: { max_steps: 1000000, checkpoint_every: 5 }
";

/// A working folder with a run in stages. Dropping it ends what a failed test has left.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("runtime")).unwrap();
        fs::write(place.path("stages.yaml"), STAGES).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.args(words).current_dir(self.dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        for (name, folder) in
            [("XDG_RUNTIME_DIR", "runtime"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, self.path(folder));
        }
        command
    }

    fn train(&self) -> Command {
        self.program(&["train", "--config", "stages.yaml", "--run-dir", "whole"])
    }

    fn trainer(&self, stage: &str) -> Option<u32> {
        let note = fs::read(self.path("whole").join(stage).join("trainer.json")).ok()?;
        serde_json::from_slice::<Value>(&note).ok()?["pid"].as_u64()?.try_into().ok()
    }

    fn checkpoint(&self, stage: &str, step: u64) -> bool {
        self.path("whole").join(stage).join(format!("checkpoints/step-{step:08}")).is_dir()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in ["1-sft", "2-grpo"].into_iter().filter_map(|stage| self.trainer(stage)) {
            let words = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("cmdline"));
            if words.unwrap_or_default().contains("sqlr1-tui") {
                kill("-9", pid);
            }
        }
    }
}

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_to_a_cockpit_before_a_finished_stage_ends_it_and_training_goes_on() {
    let place = Place::new();
    let Some(mut cockpit) = Pty::start(&place.train()) else { return };
    cockpit.wait_for("the run is complete").wait_for("this was stage 1 of 2");
    let pid = cockpit.pid();
    kill("-TERM", pid);
    let (code, said) = cockpit.ends();
    assert_eq!(code, 143, "{said}");
    let whole = place.path("whole").display().to_string();
    assert!(said.contains(&format!("training goes on in {whole}")), "{said}");
    wait_until("the second stage trains", || place.checkpoint("2-grpo", 5));
    // The trainer itself hears signals all the time, and says how to take up all stages.
    kill("-TERM", place.trainer("2-grpo").unwrap());
    wait_until("the trainer is gone", || place.trainer("2-grpo").is_none());
}

#[test]
fn an_attached_cockpit_follows_to_the_next_stage() {
    let place = Place::new();
    let mut trainer = place.train().arg("--headless").spawn().unwrap();
    wait_until("the first stage listens", || place.trainer("1-sft").is_some());
    let Some(mut cockpit) = Pty::start(place.program(&["attach"]).arg("whole")) else {
        trainer.kill().unwrap();
        trainer.wait().unwrap();
        return;
    };
    cockpit.wait_for("the run is complete").wait_for("this was stage 1 of 2");
    cockpit.press("q").press("q");
    cockpit.wait_for("grpo-grpo").wait_for("● running").press("qs");
    let (code, said) = cockpit.ends();
    assert_eq!(code, 0, "{said}");
    let whole = place.path("whole").display().to_string();
    assert!(said.contains(&format!("to go on: sqlr1-tui train --resume --run-dir {whole}\r")), "{said}");
    assert!(trainer.wait().unwrap().success(), "it was told to stop");
}
