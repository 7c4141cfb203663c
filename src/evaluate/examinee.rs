//! The model that is examined: questions become replies.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::{
    data::{Example, Prompts},
    model::{
        Beams, Completion, GenerateRequest, Lora, Model, ModelError, Sampling, Tokenizer, device,
        locate_or_fetch_logged,
    },
    reward::preview,
    rl::{
        TrainError,
        correction::{self, Corrector, Earlier, Examiner, Judged, Talk},
        questions::{Asker, Prompt},
        seeds::{self, Stream},
    },
    run::event::ResultPreview,
    settings::{RolloutSettings, Settings},
    sql::{Sandbox, extract_sql},
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
    /// Tokens that the model wrote, in the replies before it too.
    pub tokens: usize,
    /// Sum of these tokens' log-probabilities.
    pub logprob: f64,
    /// Whether it ended by itself.
    pub finished: bool,
    /// The replies before it, which got feedback.
    pub earlier: Vec<Earlier<Ran>>,
}

/// What came of a reply's query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ran {
    /// The query.
    pub sql: String,
    /// What came of it.
    pub result: ResultPreview,
}

impl Judged for Ran {
    fn result(&self) -> &ResultPreview {
        &self.result
    }
}

/// A model, with or without an adapter, that answers questions.
pub struct Examinee {
    model: Model,
    adapter: Option<Lora>,
    asker: Asker,
    decode: Decode,
    sampling: Sampling,
    seed: u64,
    /// How often feedback is answered.
    turns: usize,
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
        let mut model =
            Model::load(&locate_or_fetch_logged(wanted)?, settings.model.quantize, &device, &mut |_, _| {})?;
        model.attach(&settings.model.adapters)?;
        model.compute_in(settings.model.dtype)?;
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
        let (seed, turns) = (settings.run.seed, settings.rollout.correction_turns);
        Ok(Self { model, adapter, asker, decode, sampling, seed, turns })
    }

    /// Replies to each question, the same whatever other questions are asked; none where the prompt is too long. What queries come to is
    /// found out in `sandbox`, if there is to be feedback. `None` if `on_progress` (tokens written, replies being written) broke off.
    ///
    /// # Errors
    /// A schema cannot be read, or the model fails.
    pub fn answer(
        &self,
        questions: &[Example],
        sandbox: &Sandbox,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Option<Vec<Vec<Reply>>>, TrainError> {
        let prompts: Vec<Option<Prompt>> =
            questions.iter().map(|question| self.asker.prompt(&self.model, question)).collect::<Result<_, _>>()?;
        let asked: Vec<&Prompt> = prompts.iter().flatten().collect();
        let request = |prompt: &&Prompt| GenerateRequest {
            prompt: prompt.tokens.clone(),
            seeds: self.seeds(&prompt.example),
            constraint: prompt.constraint.clone(),
        };
        let requests: Vec<GenerateRequest> = asked.iter().map(request).collect();
        let Some(generated) = self.generate(&requests, on_progress)? else { return Ok(None) };
        let mut at_work = AtWork { examinee: self, sandbox, on_progress, places: Vec::new() };
        let mut talks = Vec::new();
        for (prompt, completions) in asked.into_iter().zip(generated) {
            // A beam search's other completions are no votes.
            for (place, completion) in completions.into_iter().take(self.decode.replies()).enumerate() {
                at_work.places.push((prompt, place));
                talks.push(Talk::new(prompt, completion, String::new(), Ran::default()));
            }
        }
        if at_work.correct(&mut talks)?.is_break() {
            return Ok(None);
        }
        let mut replies = talks.into_iter().map(Reply::from);
        let of = |prompt: &Option<Prompt>| {
            let count = if prompt.is_some() { self.decode.replies() } else { 0 };
            replies.by_ref().take(count).collect()
        };
        Ok(Some(prompts.iter().map(of).collect()))
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

    /// Replies to feedback are drawn by question, reply and turn.
    fn seed_of_turn(&self, question: &Example, reply: usize, turn: usize) -> u64 {
        seeds::seed(self.seed, Stream::Correction, [0, question.id as u64, reply as u64, turn as u64])
    }

    /// No training step is 0, so no stream of a run is used again.
    fn seeds(&self, question: &Example) -> Vec<u64> {
        let seed = |sample| seeds::seed(self.seed, Stream::Sample, [0, question.id as u64, sample]);
        (0..self.decode.replies() as u64).map(seed).collect()
    }
}

/// The examinee at some questions' replies.
struct AtWork<'a, 'b> {
    examinee: &'a Examinee,
    sandbox: &'a Sandbox,
    on_progress: &'a mut OnProgress<'b>,
    /// What each conversation is about, and which of the question's replies it is.
    places: Vec<(&'a Prompt, usize)>,
}

impl AtWork<'_, '_> {
    fn correct(&mut self, talks: &mut [Talk<'_, Ran>]) -> Result<ControlFlow<()>, TrainError> {
        let Examinee { model, turns, sampling, .. } = self.examinee;
        for talk in talks.iter_mut() {
            talk.text = model.tokenizer.decode(&talk.completion.tokens);
        }
        if *turns > 0 {
            talks.par_iter_mut().for_each(|talk| talk.judged = run(self.sandbox, &talk.prompt.example, &talk.text));
        }
        Corrector { model, turns: *turns, answer: sampling.max_new_tokens }.correct(talks, self)
    }
}

impl Examiner<Ran> for AtWork<'_, '_> {
    fn answer(
        &mut self,
        turn: usize,
        asked: Vec<(usize, GenerateRequest)>,
    ) -> Result<Option<Vec<Completion>>, TrainError> {
        let seeded = |(talk, request): (usize, GenerateRequest)| {
            let (prompt, reply) = self.places[talk];
            GenerateRequest { seeds: vec![self.examinee.seed_of_turn(&prompt.example, reply, turn)], ..request }
        };
        let requests: Vec<GenerateRequest> = asked.into_iter().map(seeded).collect();
        let generated = self.examinee.generate(&requests, self.on_progress)?;
        Ok(generated.map(|all| all.into_iter().filter_map(|of_one| of_one.into_iter().next()).collect()))
    }

    fn judge(&mut self, answers: &[correction::Answer<'_>]) -> Vec<Ran> {
        let (sandbox, places) = (self.sandbox, &self.places);
        answers.par_iter().map(|answer| run(sandbox, &places[answer.talk].0.example, answer.text)).collect()
    }
}

/// What comes of a reply's query.
fn run(sandbox: &Sandbox, question: &Example, text: &str) -> Ran {
    let sql = extract_sql(text);
    let result = preview(&sandbox.run(&question.database, &sql));
    Ran { sql, result }
}

impl From<Talk<'_, Ran>> for Reply {
    fn from(talk: Talk<'_, Ran>) -> Self {
        Self {
            tokens: talk.completion.written(),
            logprob: talk.completion.logprobs.iter().map(|&p| f64::from(p)).sum(),
            finished: talk.completion.finished,
            text: talk.text,
            earlier: talk.earlier,
        }
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
