//! What training changes, and its life on disk: adapter, optimizer, place in the data.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{coefficients::Coefficients, error::TrainError, ladder::Economies, optimizer::AdamW, reference};
use crate::{
    data::{Cursor, PassRates},
    model::{Lora, Model},
    run::{checkpoint::Checkpoint, event::SettingChanged},
    settings::Settings,
};

const STATE_FILE: &str = "trainer_state.json";
const REFERENCE: &str = "reference";

/// Everything that training changes.
#[derive(Debug)]
pub struct Policy {
    /// The adapter being trained.
    pub adapter: Lora,
    /// The adapter frozen as reference; without one the reference is the base alone.
    pub reference: Option<Lora>,
    /// Optimizer moments.
    pub optimizer: AdamW,
    /// Counters.
    pub progress: TrainerState,
}

/// Counters of a run, `trainer_state.json` in a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Steps trained.
    pub step: u64,
    /// The run's seed; random streams derive from it and the step, so the two are the whole state of the generators.
    pub seed: u64,
    /// Place in the training questions.
    pub cursor: Cursor,
    /// Tokens processed, as TRL counts them.
    pub num_tokens: u64,
    /// Updates left out in a row, because loss or gradient was not finite.
    pub skipped: u64,
    /// Best held-out accuracy so far.
    pub best_accuracy: Option<f64>,
    /// Step of the best held-out accuracy; states of older versions have none.
    #[serde(default)]
    pub best_step: Option<u64>,
    /// Evaluations by the calendar since that one.
    #[serde(default)]
    pub evals_since_best: u64,
    /// Step of the newest evaluation.
    pub last_eval: Option<u64>,
    /// Coefficients that follow what is measured; states of older versions have none.
    #[serde(default)]
    pub coefficients: Coefficients,
    /// What the run does without for want of memory; states of older versions have none.
    #[serde(default)]
    pub economies: Economies,
    /// How often each question was solved lately; states of older versions have none.
    #[serde(default)]
    pub pass_rates: PassRates,
    /// Settings that were changed while it trained, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<SettingChanged>,
}

impl Policy {
    /// The policy that a run starts with: a fresh adapter, or `lora.init_adapter`.
    ///
    /// # Errors
    /// The initial adapter cannot be read or does not fit.
    pub fn start(model: &Model, settings: &Settings, device: &Device) -> Result<Self, TrainError> {
        let adapter = match &settings.lora.init_adapter {
            None => reference::new_adapter(model, settings, device)?,
            Some(dir) => {
                let adapter = Lora::load(dir, &model.config, device)?;
                adapter.check_settings(dir, &settings.lora)?;
                adapter
            }
        };
        let reference = reference::at_start(model, settings, &adapter, device)?;
        let optimizer = AdamW::new(&adapter.params);
        let progress = TrainerState { seed: settings.run.seed, ..TrainerState::default() };
        Ok(Self { adapter, reference, optimizer, progress })
    }

    /// The policy as a checkpoint has it.
    ///
    /// # Errors
    /// A file is missing or does not fit the model or the settings.
    pub fn resume(model: &Model, settings: &Settings, device: &Device, from: &Checkpoint) -> Result<Self, TrainError> {
        let adapter = Lora::load(&from.path, &model.config, device)?;
        adapter.check_settings(&from.path, &settings.lora)?;
        let reference_dir = from.path.join(REFERENCE);
        let reference =
            reference_dir.is_dir().then(|| Lora::load(&reference_dir, &model.config, device)).transpose()?;
        // A run that is told only now to move its reference measures against the base until it does.
        let reference = match reference {
            None if settings.grpo.sync_ref_model => Some(reference::new_adapter(model, settings, device)?),
            reference => reference,
        };
        let optimizer = AdamW::load(&adapter.params, &from.path, device)?;
        let progress = TrainerState::load(&from.path)?;
        Ok(Self { adapter, reference, optimizer, progress })
    }

    /// Writes all of it into a checkpoint's folder.
    ///
    /// # Errors
    /// A file cannot be written, or a weight is not finite.
    pub fn save(&self, base_name: &str, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.adapter.save(dir, base_name)?;
        if let Some(reference) = &self.reference {
            reference.save(&dir.join(REFERENCE), base_name)?;
        }
        self.optimizer.save(&self.adapter.params, dir)?;
        self.progress.save(dir)
    }
}

impl TrainerState {
    /// Takes note of an evaluation after this step, where one is due every so many; whether it is the best so far. One that is repeated or
    /// asked for takes no patience.
    pub fn note_evaluation(&mut self, accuracy: f64, every: u64) -> bool {
        let best = self.best_accuracy.is_none_or(|best| accuracy > best);
        let counts = every > 0 && self.step.is_multiple_of(every) && self.last_eval != Some(self.step);
        if best {
            (self.best_accuracy, self.best_step, self.evals_since_best) = (Some(accuracy), Some(self.step), 0);
        } else if counts {
            self.evals_since_best += 1;
        }
        self.last_eval = Some(self.step);
        best
    }

    /// Writes the counters into a checkpoint's folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(std::fs::write(dir.join(STATE_FILE), serde_json::to_vec_pretty(self)?)?)
    }

    /// Reads them back.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn load(dir: &Path) -> Result<Self, TrainError> {
        let path = dir.join(STATE_FILE);
        let fail = |why: String| TrainError::State { path: path.clone(), why };
        let text = std::fs::read(&path).map_err(|e| fail(e.to_string()))?;
        serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_counts_evaluations_by_the_calendar_since_the_best() {
        let mut state = TrainerState::default();
        let mut note = |step, accuracy| {
            state.step = step;
            (state.note_evaluation(accuracy, 10), state.evals_since_best, state.best_step)
        };
        assert_eq!(note(0, 0.5), (true, 0, Some(0)));
        assert_eq!(note(10, 0.5), (false, 1, Some(0)), "as good is not better");
        assert_eq!(note(10, 0.5), (false, 1, Some(0)), "asked for again");
        assert_eq!(note(13, 0.4), (false, 1, Some(0)), "asked for between");
        assert_eq!(note(20, 0.6), (true, 0, Some(20)));
        assert_eq!(note(30, 0.1), (false, 1, Some(20)));
        assert_eq!(note(33, 0.7), (true, 0, Some(33)));
        assert_eq!(note(40, 0.7), (false, 1, Some(33)));
    }
}
