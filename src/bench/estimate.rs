//! How long a run will take and how much memory: some of its steps, an evaluation of some questions and a checkpoint, measured, and the
//! rest counted.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use super::BenchError;
use crate::{
    rl::{TrainError, learner::value, session::Loaded, setup, trainer::Trainer, watch::Unwatched},
    run::{
        checkpoint,
        event::{CheckpointReason, MemorySource},
        folder::RunFolder,
        memory::PeakWatch,
        metrics,
        pace::Left,
    },
    settings::Settings,
    sql::Sandbox,
};

/// Held-out questions that are asked; the time of all is reckoned from theirs.
const QUESTIONS: usize = 8;

/// What a run will take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Steps of the run.
    pub steps: u64,
    /// Seconds of each step that was measured.
    pub measured_step_s: Vec<f64>,
    /// Their mean, without the first where there are more: it also warms up.
    pub step_s: f64,
    /// Seconds of loading model and data.
    pub load_s: f64,
    /// Evaluations of the run.
    pub evaluations: u64,
    /// Seconds of one, reckoned from `measured_questions`.
    pub evaluation_s: f64,
    /// Questions of one.
    pub questions: usize,
    /// Questions that were asked to measure it.
    pub measured_questions: usize,
    /// Checkpoints by the calendar and at the end.
    pub checkpoints: u64,
    /// Seconds of one.
    pub checkpoint_s: f64,
    /// Bytes of one.
    pub checkpoint_bytes: u64,
    /// Seconds of it all.
    pub total_s: f64,
    /// The same if every completion were as long as it may be, with rollout and update growing in proportion.
    pub longest_total_s: f64,
    /// Mean tokens of the completions measured.
    pub completion_tokens: f64,
    /// `rollout.max_completion_length`.
    pub max_completion_tokens: usize,
    /// The most memory in use meanwhile, by the meter of a run.
    pub peak_bytes: Option<u64>,
    /// What that meter reads.
    pub memory_source: MemorySource,
}

/// What was measured of a run.
struct Measured {
    settings: Settings,
    max_steps: u64,
    /// Held-out questions that there are, and that were asked.
    held_out: usize,
    asked: usize,
    load: f64,
    steps: Vec<Step>,
    evaluation: f64,
    checkpoint: f64,
    bytes: u64,
    peak: Option<u64>,
    source: MemorySource,
}

/// Measures `count` steps of the run that `settings` describe, in the folder `work`, which is made, and removed in the end.
///
/// # Errors
/// What would keep the run from working.
pub fn estimate(settings: &Settings, sandbox: Sandbox, count: u64, work: &Path) -> Result<Estimate, BenchError> {
    let scratch = Scratch::new(work)?;
    Ok(measure(settings, sandbox, count, &scratch.folder)?.reckon())
}

fn measure(settings: &Settings, sandbox: Sandbox, count: u64, folder: &RunFolder) -> Result<Measured, BenchError> {
    let mut few = settings.clone();
    few.eval.questions = settings.eval.questions.min(QUESTIONS);
    let clock = Instant::now();
    let Loaded { mut trainer, memory, started, .. } = setup::load(few, sandbox, folder, false, &mut Unwatched)?;
    let load = clock.elapsed().as_secs_f64();
    let source = memory.source();
    let peak = PeakWatch::start(move || memory.bytes());
    let steps = (0..count).map(|_| step(&mut trainer)).collect::<Result<_, _>>()?;
    let clock = Instant::now();
    let asked = trainer.evaluate(&mut Unwatched)?.map_or(0, |done| done.n);
    let evaluation = clock.elapsed().as_secs_f64();
    let clock = Instant::now();
    let save = |dir: &Path| trainer.policy.save(&trainer.model.summary().path, dir);
    let saved = checkpoint::write(&folder.checkpoints(), count, CheckpointReason::Manual, save);
    let bytes = saved.map_err(TrainError::from)?.bytes();
    Ok(Measured {
        settings: settings.clone(),
        max_steps: started.max_steps,
        held_out: trainer.dataset.dev.len(),
        asked,
        load,
        steps,
        evaluation,
        checkpoint: clock.elapsed().as_secs_f64(),
        bytes,
        peak: peak.most(),
        source,
    })
}

impl Measured {
    /// Mean of the steps, without the first where there are more: it also warms up.
    fn mean(&self, of: fn(&Step) -> f64) -> f64 {
        let warm = if self.steps.len() > 1 { &self.steps[1..] } else { &self.steps[..] };
        warm.iter().map(of).sum::<f64>() / warm.len() as f64
    }

    fn reckon(self) -> Estimate {
        let (eval, longest) = (&self.settings.eval, self.settings.rollout.max_completion_length);
        let questions = eval.questions.min(self.held_out);
        let due = Left::after(0, self.max_steps, eval.every).evals + u64::from(eval.at_start);
        let evaluations = if questions == 0 { 0 } else { due };
        let each_evaluation = self.evaluation * questions as f64 / self.asked.max(1) as f64;
        let saved = Left::after(0, self.max_steps, self.settings.run.checkpoint_every).evals;
        let around = self.load + evaluations as f64 * each_evaluation + saved as f64 * self.checkpoint;
        let (each_step, tokens) = (self.mean(|step| step.seconds), self.mean(|step| step.tokens));
        let growth = (longest as f64 / tokens.max(1.0) - 1.0).max(0.0);
        let longest_step = each_step + self.mean(|step| step.grows) * growth;
        Estimate {
            steps: self.max_steps,
            measured_step_s: self.steps.iter().map(|step| step.seconds).collect(),
            step_s: each_step,
            load_s: self.load,
            evaluations,
            evaluation_s: each_evaluation,
            questions,
            measured_questions: self.asked,
            checkpoints: saved,
            checkpoint_s: self.checkpoint,
            checkpoint_bytes: self.bytes,
            total_s: around + self.max_steps as f64 * each_step,
            longest_total_s: around + self.max_steps as f64 * longest_step,
            completion_tokens: tokens,
            max_completion_tokens: longest,
            peak_bytes: self.peak,
            memory_source: self.source,
        }
    }
}

/// A measured step.
struct Step {
    seconds: f64,
    /// Seconds of its rollout and update, which grow with the completions.
    grows: f64,
    tokens: f64,
}

fn step(trainer: &mut Trainer) -> Result<Step, BenchError> {
    let done = trainer.step(&mut Unwatched)?;
    let done = done.ok_or_else(|| TrainError::Unusable("a step was broken off though nobody asked for it".into()))?;
    let of = |name| value(&done.done.metrics, name);
    Ok(Step {
        seconds: of(metrics::STEP_TIME),
        grows: of(metrics::ROLLOUT_TIME) + of(metrics::UPDATE_TIME),
        tokens: of(metrics::MEAN_LENGTH),
    })
}

/// A run folder for a moment.
struct Scratch {
    path: PathBuf,
    folder: RunFolder,
}

impl Scratch {
    fn new(path: &Path) -> Result<Self, BenchError> {
        let made = RunFolder::create(path).map_err(|e| BenchError::Usage(e.to_string()))?;
        Ok(Self { path: path.to_owned(), folder: made })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!("{} is left behind: {error}", self.path.display());
        }
    }
}
