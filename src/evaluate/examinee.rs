//! The model that is examined: questions become replies.

use std::ops::ControlFlow;

use crate::{
    data::{Example, Prompts},
    model::{Beams, Completion, GenerateRequest, Lora, Model, ModelError, Sampling, Tokenizer, device, locate},
    rl::{
        TrainError,
        questions::Asker,
        seeds::{self, Stream},
    },
    settings::{RolloutSettings, Settings},
};

/// Hears the tokens written and the replies being written; `Break` ends it all.
type OnProgress<'a> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'a;

/// How replies are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// The most probable token each time.
    Greedy,
    /// One reply drawn at `rollout`'s temperature and filters.
    Sample,
    /// The best reply that a search finds which keeps so many beginnings.
    Beam(usize),
    /// So many replies drawn, of which one is chosen by what its query returns.
    SelfConsistency(usize),
}

impl Decode {
    /// Replies to a question.
    pub fn replies(self) -> usize {
        match self {
            Self::Greedy | Self::Sample | Self::Beam(_) => 1,
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
        let asker = Asker::new(
            Prompts::new(&settings.prompt)?,
            max_prompt_tokens.unwrap_or(room).min(room),
            settings.rollout.constrain,
        );
        let sampling = sampling(&settings.rollout, decode, &model.tokenizer);
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
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Option<Vec<Vec<Reply>>>, TrainError> {
        let mut requests = Vec::with_capacity(questions.len());
        let mut asked = Vec::with_capacity(questions.len());
        for question in questions {
            let prompt = self.asker.prompt(&self.model, question)?;
            asked.push(prompt.is_some());
            requests.extend(prompt.map(|prompt| GenerateRequest {
                prompt: prompt.tokens,
                seeds: self.seeds(question),
                constraint: prompt.constraint,
            }));
        }
        let Some(generated) = self.generate(&requests, on_progress)? else { return Ok(None) };
        let mut generated = generated.into_iter();
        let reply = |completion: Completion| Reply {
            text: self.model.tokenizer.decode(&completion.tokens),
            tokens: completion.tokens.len(),
            logprob: completion.logprobs.iter().map(|&p| f64::from(p)).sum(),
            finished: completion.finished,
        };
        let replies = asked.into_iter().map(|asked| {
            let completions = if asked { generated.next().unwrap_or_default() } else { Vec::new() };
            // A beam search's other completions are no votes.
            completions.into_iter().take(self.decode.replies()).map(reply).collect()
        });
        Ok(Some(replies.collect()))
    }

    fn generate(
        &self,
        requests: &[GenerateRequest],
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Option<Vec<Vec<Completion>>>, ModelError> {
        let adapter = self.adapter.as_ref();
        let Decode::Beam(width) = self.decode else {
            return self.model.generate(adapter, requests, &self.sampling, on_progress);
        };
        let Sampling { max_new_tokens, stop_ids, .. } = self.sampling.clone();
        let beams = |constraint| Beams { width, max_new_tokens, stop_ids: stop_ids.clone(), constraint };
        let search = |request: &GenerateRequest| {
            self.model.beam_search(adapter, &request.prompt, &beams(request.constraint.clone()), on_progress)
        };
        // Without `on_progress` breaking off none is missing.
        requests.iter().map(search).collect()
    }

    /// No training step is 0, so no stream of a run is used again.
    fn seeds(&self, question: &Example) -> Vec<u64> {
        let seed = |sample| seeds::seed(self.seed, Stream::Sample, [0, question.id as u64, sample]);
        (0..self.decode.replies() as u64).map(seed).collect()
    }
}

fn sampling(rollout: &RolloutSettings, decode: Decode, tokenizer: &Tokenizer) -> Sampling {
    let (max_new_tokens, stop_ids) = (rollout.max_completion_length, tokenizer.eos_ids().to_vec());
    let fences = rollout.stop_at_fence.then(|| tokenizer.fences().clone());
    match decode {
        Decode::Greedy | Decode::Beam(_) => {
            Sampling { temperature: 0.0, max_new_tokens, stop_ids, fences, ..Sampling::default() }
        }
        Decode::Sample | Decode::SelfConsistency(_) => Sampling {
            temperature: rollout.temperature as f32,
            top_p: rollout.top_p as f32,
            top_k: rollout.top_k,
            min_p: rollout.min_p as f32,
            repetition_penalty: rollout.repetition_penalty as f32,
            max_new_tokens,
            stop_ids,
            fences,
        },
    }
}
