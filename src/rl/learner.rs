//! What a session conducts: anything that learns step by step from questions.

use std::path::Path;

use super::{TrainError, ask::Asked, policy::TrainerState, trainer::StepOutput, watch::Watch};
use crate::{
    run::{
        checkpoint::Checkpoint,
        event::{EvalDone, GroupScored, SettingChanged, StepDone},
        metrics::{self, Metrics},
    },
    settings::Settings,
};

/// A held-out evaluation with some of its answers.
#[derive(Debug)]
pub struct Examined {
    /// The result.
    pub done: EvalDone,
    /// Answers to look at; none where training itself shows some.
    pub groups: Vec<GroupScored>,
}

/// Something that learns.
pub trait Learner {
    /// Trains one step. `None` if `watch` broke it off: then nothing has changed.
    ///
    /// # Errors
    /// The model, the data or the optimizer fails.
    fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError>;

    /// Asks the held-out questions. `None` if `watch` broke it off, or if there are none.
    ///
    /// # Errors
    /// The model fails.
    fn evaluate(&mut self, watch: &mut dyn Watch) -> Result<Option<Examined>, TrainError>;

    /// Writes all that training changed into a checkpoint's folder.
    ///
    /// # Errors
    /// A file cannot be written, or a weight is not finite.
    fn save(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// Takes back all that training changed, as a checkpoint has it.
    ///
    /// # Errors
    /// A file is missing or damaged, or does not fit; then nothing has changed.
    fn roll_back(&mut self, from: &Checkpoint) -> Result<(), TrainError>;

    /// Changes a setting from the next step on; it is what [`TrainerState::changes`] says last then. `Err` says why it cannot be.
    ///
    /// # Errors
    /// What is allowed there.
    fn change(&mut self, change: SettingChanged) -> Result<(), String>;

    /// Answers a question of a person's own.
    ///
    /// # Errors
    /// The model fails.
    fn ask(&self, _database: &str, _question: &str, _watch: &mut dyn Watch) -> Result<Asked, TrainError> {
        Ok(Asked::Refused("only a run of `train` answers questions; this one is fine-tuned on gold queries".into()))
    }

    /// Counters.
    fn progress(&self) -> &TrainerState;

    /// All settings.
    fn settings(&self) -> &Settings;

    /// Steps at which the run ends.
    fn max_steps(&self) -> u64;

    /// The file of a database that samples are reported of.
    fn database(&self, _db_id: &str) -> Option<&Path> {
        None
    }

    /// Whether the run may end before its last step because what was wanted is reached.
    fn is_content(&self) -> bool {
        false
    }

    /// A step for people, without its number.
    fn line(&self, done: &StepDone) -> String;
}

/// `value` of a metric, NaN where there is none.
pub fn value(metrics: &Metrics, name: &str) -> f64 {
    metrics.get(name).unwrap_or(f64::NAN)
}

/// What every method's line ends with.
pub fn line_end(metrics: &Metrics) -> String {
    format!(
        "loss {:.4}, grad norm {:.3}, {:.1} s",
        value(metrics, metrics::LOSS),
        value(metrics, metrics::GRAD_NORM),
        value(metrics, metrics::STEP_TIME)
    )
}
