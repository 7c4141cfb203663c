//! The model that is examined: questions become replies.

use std::ops::ControlFlow;

use crate::{
    data::{Example, Prompts},
    model::{Completion, GenerateRequest, Lora, Model, Sampling, device, locate},
    rl::{
        TrainError,
        questions::Asker,
        seeds::{self, Stream},
    },
    settings::{RolloutSettings, Settings},
};

/// How replies are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// The most probable token each time.
    Greedy,
    /// One reply drawn at `rollout`'s temperature and filters.
    Sample,
    /// So many replies drawn, of which one is chosen by what its query returns.
    SelfConsistency(usize),
}

impl Decode {
    /// Replies to a question.
    pub fn replies(self) -> usize {
        match self {
            Self::Greedy | Self::Sample => 1,
            Self::SelfConsistency(count) => count,
        }
    }
}

/// A reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Its text.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// Sum of its tokens' log-probabilities.
    pub logprob: f64,
    /// Whether it ended by itself.
    pub finished: bool,
}

/// A model, with or without an adapter, that answers questions.
pub struct Examinee {
    model: Model,
    adapter: Option<Lora>,
    asker: Asker,
    decode: Decode,
    sampling: Sampling,
    seed: u64,
}

impl Examinee {
    /// Loads the model of `model.path` and the adapter of `lora.init_adapter`. Prompts may have `max_prompt_tokens` tokens; without a
    /// number, as many as the model's context leaves room for.
    ///
    /// # Errors
    /// The model, the adapter or the device cannot be had, or there is no room for a prompt.
    pub fn load(settings: &Settings, decode: Decode, max_prompt_tokens: Option<usize>) -> Result<Self, TrainError> {
        let wanted = settings.model.path.as_deref();
        let wanted = wanted.ok_or_else(|| TrainError::Unusable("no model: give --model FILE.gguf".into()))?;
        let device = device::choose(&settings.run.device)?.device;
        let model = Model::load(&locate(wanted)?, settings.model.quantize, &device, &mut |_, _| {})?;
        let adapter = settings.lora.init_adapter.as_ref();
        let adapter = adapter.map(|dir| Lora::load(dir, &model.config, &device)).transpose()?;
        let (context, reply) = (model.config.max_position_embeddings, settings.rollout.max_completion_length);
        let room = context.saturating_sub(reply);
        if room == 0 {
            let message =
                format!("replies of {reply} tokens leave no room for a question in the model's context of {context}");
            return Err(TrainError::Unusable(message + "; lower --max-new-tokens"));
        }
        let asker = Asker::new(Prompts::new(&settings.prompt)?, max_prompt_tokens.unwrap_or(room).min(room));
        let sampling = sampling(&settings.rollout, decode, model.tokenizer.eos_ids());
        Ok(Self { model, adapter, asker, decode, sampling, seed: settings.run.seed })
    }

    /// Replies to each question, the same whatever other questions are asked; none where the prompt is too long. `None` if `on_progress`
    /// (tokens written, replies being written) broke off.
    ///
    /// # Errors
    /// A schema cannot be read, or the model fails.
    pub fn answer(
        &self,
        questions: &[Example],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Vec<Reply>>>, TrainError> {
        let mut requests = Vec::with_capacity(questions.len());
        let mut asked = Vec::with_capacity(questions.len());
        for question in questions {
            let prompt = self.asker.prompt(&self.model, question)?;
            asked.push(prompt.is_some());
            requests
                .extend(prompt.map(|prompt| GenerateRequest { prompt: prompt.tokens, seeds: self.seeds(question) }));
        }
        let generated = self.model.generate(self.adapter.as_ref(), &requests, &self.sampling, on_progress)?;
        let Some(generated) = generated else { return Ok(None) };
        let mut generated = generated.into_iter();
        let reply = |completion: Completion| Reply {
            text: self.model.tokenizer.decode(&completion.tokens),
            tokens: completion.tokens.len(),
            logprob: completion.logprobs.iter().map(|&p| f64::from(p)).sum(),
            finished: completion.finished,
        };
        let replies = asked.into_iter().map(|asked| {
            let completions = if asked { generated.next().unwrap_or_default() } else { Vec::new() };
            completions.into_iter().map(reply).collect()
        });
        Ok(Some(replies.collect()))
    }

    /// No training step is 0, so no stream of a run is used again.
    fn seeds(&self, question: &Example) -> Vec<u64> {
        let seed = |sample| seeds::seed(self.seed, Stream::Sample, [0, question.id as u64, sample]);
        (0..self.decode.replies() as u64).map(seed).collect()
    }
}

fn sampling(rollout: &RolloutSettings, decode: Decode, stop_ids: &[u32]) -> Sampling {
    let (max_new_tokens, stop_ids) = (rollout.max_completion_length, stop_ids.to_vec());
    match decode {
        Decode::Greedy => Sampling { temperature: 0.0, max_new_tokens, stop_ids, ..Sampling::default() },
        Decode::Sample | Decode::SelfConsistency(_) => Sampling {
            temperature: rollout.temperature as f32,
            top_p: rollout.top_p as f32,
            top_k: rollout.top_k,
            min_p: rollout.min_p as f32,
            repetition_penalty: rollout.repetition_penalty as f32,
            max_new_tokens,
            stop_ids,
        },
    }
}
