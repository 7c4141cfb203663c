//! From settings to a trainer ready to work.

use super::{Adapted, Exam, Lessons, Limits, Pupil, Scratch, Trainer, scratch::texts};
use crate::{
    data::{Dataset, Prompts},
    model::{BackwardOptions, Lora, Model, device, locate},
    reward::Scorer,
    rl::{
        TrainError,
        seeds::{self, Stream},
    },
    settings::Settings,
    sql::Sandbox,
};

/// Data and what judges replies, for any pupil.
struct Classroom {
    dataset: Dataset,
    prompts: Prompts,
    scorer: Scorer,
}

fn classroom(settings: &Settings) -> Result<Classroom, TrainError> {
    let sandbox = Sandbox::new(&settings.sql);
    let (dataset, gold) = Dataset::load_checked(&settings.data, &sandbox)?;
    if gold.dropped() > 0 {
        let (failed, empty) = (gold.failed.len(), gold.empty.len());
        tracing::info!("left out of training: {failed} questions whose gold query fails, {empty} with an empty result");
    }
    let scorer = Scorer::new(sandbox, settings.reward.clone(), settings.sql.comparison);
    Ok(Classroom { dataset, prompts: Prompts::default(), scorer })
}

impl Classroom {
    fn trainer<P: Pupil>(self, pupil: P, settings: Settings) -> Result<Trainer<P>, TrainError> {
        let answer = settings.rollout.max_completion_length;
        let limits = Limits { prompt: settings.data.max_prompt_tokens, answer };
        let lessons = Lessons::new(pupil.tokenizer(), &self.prompts, &self.dataset.train, limits)?;
        if lessons.too_long > 0 {
            tracing::info!(
                "left out of training: {} of {} questions, longer than data.max_prompt_tokens = {} or with a query longer \
                 than rollout.max_completion_length = {answer}",
                lessons.too_long,
                self.dataset.train.len(),
                limits.prompt
            );
        }
        let seed = seeds::seed(settings.run.seed, Stream::HeldOut, [0; 3]);
        let (dev, count) = (&self.dataset.dev, settings.eval.questions);
        let exam = Exam::new(pupil.tokenizer(), &self.prompts, dev, count, seed, answer)?;
        Ok(Trainer::new(pupil, lessons, exam, self.scorer, settings))
    }
}

/// A trainer for a model made from scratch: `scratch` gives its shape, its vocabulary is trained on the training data.
///
/// # Errors
/// The data or the settings are of no use.
pub fn from_scratch(settings: Settings) -> Result<Trainer<Scratch>, TrainError> {
    let device = device::choose(&settings.run.device)?.device;
    let classroom = classroom(&settings)?;
    let texts = texts(&classroom.prompts, &classroom.dataset.train)?;
    let pupil = Scratch::new(&settings.run.name, &texts, &settings.scratch, settings.run.seed, &device)?;
    classroom.trainer(pupil, settings)
}

/// A trainer for an adapter on the model of `model.path`: a fresh one, or `lora.init_adapter`.
///
/// # Errors
/// The model, the data or the settings are of no use.
pub fn on_base(settings: Settings) -> Result<Trainer<Adapted>, TrainError> {
    let device = device::choose(&settings.run.device)?.device;
    let classroom = classroom(&settings)?;
    let wanted = settings.model.path.as_deref();
    let wanted = wanted.ok_or_else(|| TrainError::Unusable("no model: give --model FILE.gguf".into()))?;
    let model = Model::load(&locate(wanted)?, settings.model.quantize, &device, &mut |_, _| {})?;
    let adapter = match &settings.lora.init_adapter {
        None => {
            let seed = seeds::seed(settings.run.seed, Stream::Adapter, [0; 3]);
            Lora::new(&model.config, &settings.lora, seed, &device)?
        }
        Some(dir) => Lora::load(dir, &model.config, &device)?,
    };
    let memory = &settings.memory;
    let options = BackwardOptions { recompute: memory.recompute, head_chunk: memory.head_chunk };
    classroom.trainer(Adapted { model, adapter, options }, settings)
}
