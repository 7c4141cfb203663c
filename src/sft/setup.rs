//! From settings to a trainer ready to work.

use super::{Adapted, Exam, Lessons, Limits, Pupil, Scratch, Trainer, scratch::texts};
use crate::{
    data::{Dataset, Prompts},
    model::{Lora, device, device::Chosen},
    reward::Scorer,
    rl::{
        TrainError,
        engine::backward_options,
        seeds::{self, Stream},
        session::Loaded,
        setup::{Beginning, find_checkpoint, load_model, note_data},
        watch::Watch,
    },
    run::{
        event::{LogLevel, Method},
        folder::RunFolder,
        memory::MemoryMeter,
    },
    settings::Settings,
    sql::Sandbox,
};

/// Data and what judges replies, for any pupil.
struct Classroom {
    dataset: Dataset,
    prompts: Prompts,
    scorer: Scorer,
    notes: Vec<(LogLevel, String)>,
}

/// Where a run is at home.
struct Place<'a> {
    folder: &'a RunFolder,
    resume: bool,
    chosen: Chosen,
    memory: MemoryMeter,
}

/// Where it computes, and what reads its memory before anything is put there.
fn choose(settings: &Settings) -> Result<(Chosen, MemoryMeter), TrainError> {
    let chosen = device::choose(&settings.run.device)?;
    let memory = MemoryMeter::new(chosen.gpu_index);
    Ok((chosen, memory))
}

fn classroom(settings: &Settings, sandbox: Sandbox) -> Result<Classroom, TrainError> {
    let (dataset, gold) = Dataset::load_checked(&settings.data, &sandbox)?;
    let mut notes = Vec::new();
    note_data(&dataset, &gold, &mut notes);
    let scorer = Scorer::new(sandbox, settings.reward.clone(), settings.sql.comparison);
    Ok(Classroom { dataset, prompts: Prompts::new(&settings.prompt)?, scorer, notes })
}

impl Classroom {
    fn begin<P: Pupil>(
        mut self,
        pupil: P,
        settings: Settings,
        place: Place<'_>,
    ) -> Result<Loaded<Trainer<P>>, TrainError> {
        let answer = settings.rollout.max_completion_length;
        let limits = Limits { prompt: settings.data.max_prompt_tokens, answer };
        let lessons = Lessons::new(pupil.tokenizer(), &self.prompts, &self.dataset.train, limits)?;
        if lessons.too_long > 0 {
            let (left_out, all, prompt) = (lessons.too_long, self.dataset.train.len(), limits.prompt);
            self.notes.push((
                LogLevel::Info,
                format!(
                    "left out of training: {left_out} of {all} questions, longer than data.max_prompt_tokens = {prompt} or \
                     with a query longer than rollout.max_completion_length = {answer}"
                ),
            ));
        }
        let seed = seeds::seed(settings.run.seed, Stream::HeldOut, [0; 3]);
        let (dev, count) = (&self.dataset.dev, settings.eval.questions);
        let exam = Exam::new(pupil.tokenizer(), &self.prompts, dev, count, seed, answer)?;
        let mut trainer = Trainer::new(pupil, lessons, exam, self.scorer, settings);
        if place.resume
            && let Some(checkpoint) = find_checkpoint(place.folder, &mut self.notes)?
        {
            trainer.resume(&checkpoint.path)?;
        }
        let started = Beginning {
            method: Method::Sft,
            settings: &trainer.settings,
            folder: place.folder,
            device: place.chosen.description,
            model: trainer.pupil.summary(),
            dataset: &self.dataset,
            max_steps: trainer.max_steps,
            memory: &place.memory,
            resumed_from: place.resume.then_some(trainer.progress.step),
            changes: trainer.progress.changes.clone(),
        }
        .event()?;
        Ok(Loaded { trainer, started, memory: place.memory, notes: self.notes })
    }
}

/// Loads a trainer for a model made from scratch: `scratch` gives its shape, its vocabulary is trained on the training
/// data. With `resume` it goes on from the folder's newest valid checkpoint.
///
/// # Errors
/// The data, the settings or the checkpoint are of no use.
pub fn from_scratch(
    settings: Settings,
    sandbox: Sandbox,
    folder: &RunFolder,
    resume: bool,
    _watch: &mut dyn Watch,
) -> Result<Loaded<Trainer<Scratch>>, TrainError> {
    let (chosen, memory) = choose(&settings)?;
    let classroom = classroom(&settings, sandbox)?;
    let texts = texts(&classroom.prompts, &classroom.dataset.train)?;
    let pupil = Scratch::new(&settings.run.name, &texts, &settings.scratch, settings.run.seed, &chosen.device)?;
    classroom.begin(pupil, settings, Place { folder, resume, chosen, memory })
}

/// Loads a trainer for an adapter on the model of `model.path`: a fresh one, or `lora.init_adapter`. With `resume` it goes
/// on from the folder's newest valid checkpoint.
///
/// # Errors
/// The model, the data, the settings or the checkpoint are of no use.
pub fn on_base(
    settings: Settings,
    sandbox: Sandbox,
    folder: &RunFolder,
    resume: bool,
    watch: &mut dyn Watch,
) -> Result<Loaded<Trainer<Adapted>>, TrainError> {
    let (chosen, memory) = choose(&settings)?;
    let classroom = classroom(&settings, sandbox)?;
    let model = load_model(&settings, &chosen.device, watch)?;
    let adapter = match &settings.lora.init_adapter {
        None => {
            let seed = seeds::seed(settings.run.seed, Stream::Adapter, [0; 3]);
            Lora::new(&model.config, &settings.lora, seed, &chosen.device)?
        }
        Some(dir) => {
            let adapter = Lora::load(dir, &model.config, &chosen.device)?;
            adapter.check_settings(dir, &settings.lora)?;
            adapter
        }
    };
    let options = backward_options(&settings);
    classroom.begin(Adapted { model, adapter, options }, settings, Place { folder, resume, chosen, memory })
}
