//! From settings to a trainer ready to work.

use std::{collections::BTreeSet, path::Path};

use burn::tensor::Device;

use super::{
    TrainError, changes, forecast, policy::Policy, questions::Asker, session::Loaded, trainer::Trainer, watch::Watch,
};
use crate::{
    data::{Course, Dataset, GoldReport, Prompts},
    model::{Model, device, hub::Logged, locate_or_fetch},
    reward::Scorer,
    run::{
        checkpoint::{self, Checkpoint},
        event::{DataSummary, LogLevel, Method, ModelSummary, Phase, RunStarted, SCHEMA_VERSION, SettingChanged},
        folder::RunFolder,
        memory::MemoryMeter,
    },
    settings::Settings,
    sql::Sandbox,
};

/// Loads everything that `settings` name; `sandbox` is for what the model writes. With `resume` the policy is that of the
/// folder's newest valid checkpoint.
///
/// # Errors
/// Something is missing, damaged, or does not fit.
pub fn load(
    settings: Settings,
    sandbox: Sandbox,
    folder: &RunFolder,
    resume: bool,
    watch: &mut dyn Watch,
) -> Result<Loaded<Trainer>, TrainError> {
    let mut notes = Vec::new();
    let chosen = device::choose(&settings.run.device)?;
    // Before anything is put there: what is in use now is others'.
    let memory = MemoryMeter::new(chosen.gpu_index);
    let (dataset, gold) = Dataset::load_checked(&settings.data, &sandbox)?;
    // A template that cannot be used is better told before the model is loaded.
    let prompts = Prompts::new(&settings.prompt)?;
    note_data(&dataset, &gold, &mut notes);
    notes.extend(settings.reward_notices().map(|notice| (LogLevel::Warn, notice)));
    notes.extend(note_ratios(&settings));
    let model = load_model(&settings, &chosen.device, watch)?;
    let from = if resume { find_checkpoint(folder, &mut notes)? } else { None };
    let mut policy = match &from {
        Some(checkpoint) => Policy::resume(&model, &settings, &chosen.device, checkpoint)?,
        None => Policy::start(&model, &settings, &chosen.device)?,
    };
    let original = settings;
    let settings = changes::take_up(&original, &mut policy.progress);
    let max_steps = max_steps(&original, dataset.train.len());
    let started = Beginning {
        method: Method::Grpo,
        settings: &settings,
        folder,
        device: chosen.description,
        model: ModelSummary { trainable_parameters: policy.adapter.parameters(), ..model.summary() },
        dataset: &dataset,
        max_steps,
        memory: &memory,
        resumed_from: resume.then_some(policy.progress.step),
        changes: policy.progress.changes.clone(),
    }
    .event()?;
    let answer_length = settings.rollout.max_completion_length;
    let scorer = Scorer::new(sandbox, settings.reward.clone(), settings.sql.comparison);
    let asker = Asker::new(prompts, settings.data.max_prompt_tokens, settings.rollout.constrain);
    let course = Course::new(&settings.data, settings.run.seed, &dataset.train);
    let mut trainer = Trainer {
        model,
        policy,
        dataset,
        course,
        scorer,
        asker,
        asked: original,
        settings,
        max_steps,
        answer_length,
        memory: memory.clone(),
        told: BTreeSet::new(),
    };
    trainer.take_up_settings();
    notes.extend(note_memory(&trainer));
    Ok(Loaded { trainer, started, memory, notes })
}

/// What the first event of a run is made of.
pub(crate) struct Beginning<'a> {
    pub method: Method,
    pub settings: &'a Settings,
    pub folder: &'a RunFolder,
    pub device: String,
    pub model: ModelSummary,
    pub dataset: &'a Dataset,
    pub max_steps: u64,
    pub memory: &'a MemoryMeter,
    pub resumed_from: Option<u64>,
    pub changes: Vec<SettingChanged>,
}

impl Beginning<'_> {
    /// The event.
    pub fn event(self) -> Result<RunStarted, TrainError> {
        Ok(RunStarted {
            schema_version: SCHEMA_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            method: self.method,
            name: self.settings.run.name.clone(),
            run_dir: self.folder.root().to_owned(),
            settings: serde_json::to_value(self.settings).map_err(|e| TrainError::Unusable(e.to_string()))?,
            seed: self.settings.run.seed,
            device: self.device,
            model: self.model,
            data: describe_data(self.settings, self.dataset),
            max_steps: self.max_steps,
            memory_source: self.memory.source(),
            resumed_from: self.resumed_from,
            changes: self.changes,
        })
    }
}

pub(crate) fn load_model(settings: &Settings, device: &Device, watch: &mut dyn Watch) -> Result<Model, TrainError> {
    let wanted = settings.model.path.as_deref();
    let wanted = wanted.ok_or_else(|| {
        TrainError::Unusable("no model: give --model FILE.gguf, or model.path in the configuration".into())
    })?;
    let mut log = Logged::new(wanted);
    let path = locate_or_fetch(wanted, &mut |done, total| {
        log.hear(done, total);
        watch.progress(Phase::Loading, done, total)
    })?;
    let mut tell = |done, total| {
        // Loading takes a second; breaking it off is not worth the trouble.
        let _ = watch.progress(Phase::Loading, done, total);
    };
    let mut model = Model::load(&path, settings.model.quantize, device, &mut tell)?;
    model.attach(&settings.model.adapters)?;
    model.compute_in(settings.model.dtype)?;
    Ok(model)
}

pub(crate) fn find_checkpoint(
    folder: &RunFolder,
    notes: &mut Vec<(LogLevel, String)>,
) -> Result<Option<Checkpoint>, TrainError> {
    let (found, damaged) = checkpoint::newest(&folder.checkpoints())?;
    notes.extend(damaged.iter().map(|error| (LogLevel::Warn, error.to_string())));
    let note = match &found {
        Some(found) => format!("resuming from step {}, {}", found.manifest.step, found.path.display()),
        None => "there is no checkpoint to resume from: starting at step 0".to_owned(),
    };
    notes.push((LogLevel::Info, note));
    Ok(found)
}

/// What is said of questions that are left out.
pub(crate) fn note_data(dataset: &Dataset, gold: &GoldReport, notes: &mut Vec<(LogLevel, String)>) {
    notes.extend(dataset.skipped.iter().map(|skipped| (LogLevel::Warn, skipped.clone())));
    notes.extend(gold.note().map(|note| (LogLevel::Info, note)));
}

/// What is said of a run that will not fit into memory.
fn note_memory(trainer: &Trainer) -> Option<(LogLevel, String)> {
    let Trainer { model, settings, memory, .. } = trainer;
    let runtime = forecast::runtime_bytes(memory, model.summary().weight_bytes);
    let question = forecast::Question::of(model, settings, memory, settings.data.max_prompt_tokens, runtime);
    forecast::warning(question, memory).map(|text| (LogLevel::Warn, text))
}

/// What is said where clipping cannot set in, so that its absence is not taken for health.
fn note_ratios(settings: &Settings) -> Option<(LogLevel, String)> {
    (settings.updates_per_rollout() == 1).then(|| {
        let text = "one update a rollout: probability ratios are 1 by construction, and clip_ratio/* stay 0 for that reason alone";
        (LogLevel::Info, text.to_owned())
    })
}

fn describe_data(settings: &Settings, dataset: &Dataset) -> DataSummary {
    let root = Path::new(&dataset.root).display().to_string();
    let names: BTreeSet<_> = dataset.train.iter().chain(&dataset.dev).map(|example| example.db_id.clone()).collect();
    let (train, dev) = (dataset.train.len(), settings.eval.questions.min(dataset.dev.len()));
    DataSummary { root, train, dev, databases: names.into_iter().collect() }
}

/// Steps at which the run ends: `run.max_steps`, else as many as `run.epochs` passes take.
fn max_steps(settings: &Settings, questions: usize) -> u64 {
    let by_epochs = (settings.run.epochs * questions as f64 / settings.questions_per_step() as f64).ceil() as u64;
    settings.run.max_steps.unwrap_or(by_epochs.max(1))
}
