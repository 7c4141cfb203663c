//! Generation: several prompts with several samples each, decoded together in one batch.
//!
//! A prompt is computed once and its keys and values are shared by its samples. Sequences that end leave the batch and
//! waiting ones take their places. Each sample has a random stream of its own, and no row's arithmetic depends on what
//! else is in the batch: a sample can be had again, alone, to the bit.

mod batch;
mod beam;
mod cache;
mod constraint;
mod sampler;
mod stream;

#[cfg(test)]
mod tests;

use std::ops::{ControlFlow, Range};

use self::{batch::Batch, sampler::Sampler};
pub use self::{
    batch::SLOTS,
    beam::Beams,
    cache::CacheShape,
    constraint::{Constraint, Grammar},
    sampler::Sampling,
};
use super::{AdapterSet, Decoder, Lora, Model, ModelError, Recording};

/// A prompt and how many samples of it are wanted: one for each seed.
#[derive(Debug, Clone, Default)]
pub struct GenerateRequest {
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// Seeds of the samples' random streams.
    pub seeds: Vec<u64>,
    /// What the replies have to keep to.
    pub constraint: Option<Constraint>,
}

/// A sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// Tokens, the stop token included where the sample ended by itself.
    pub tokens: Vec<u32>,
    /// Tokens that the model did not write: what it was told between its turns. In order; empty where there was one turn.
    pub given: Vec<Range<usize>>,
    /// Log-probability of each token that the model wrote under softmax(logits / temperature) alone, whatever the filters were;
    /// at temperature 0 under softmax(logits).
    pub logprobs: Vec<f32>,
    /// Whether it ended by itself rather than at the length limit.
    pub finished: bool,
    /// Tokens for which the model's first choice was not what its constraint allows.
    pub refused: usize,
    /// Tokens for which its constraint allowed none, so that they were drawn without it.
    pub stuck: usize,
}

impl Completion {
    /// How many tokens the model wrote.
    pub fn written(&self) -> usize {
        self.tokens.len() - self.given.iter().map(ExactSizeIterator::len).sum::<usize>()
    }

    /// This and, behind it, what the model was told and what it answered.
    #[must_use]
    pub fn followed_by(mut self, told: &[u32], answer: Self) -> Self {
        let start = self.tokens.len();
        let behind = start + told.len();
        self.given.push(start..behind);
        self.given.extend(answer.given.into_iter().map(|given| given.start + behind..given.end + behind));
        self.tokens.extend_from_slice(told);
        self.tokens.extend(answer.tokens);
        self.logprobs.extend(answer.logprobs);
        self.refused += answer.refused;
        self.stuck += answer.stuck;
        Self { finished: answer.finished, ..self }
    }
}

/// Hears, after every step, the tokens written so far and the sequences still being written; `Break` ends it all.
pub type ProgressFn<'a> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'a;

/// Completions by request, and what was recorded of each request.
#[derive(Debug)]
pub struct Generated {
    /// In the order of the requests and their seeds.
    pub completions: Vec<Vec<Completion>>,
    /// For [`Decoder::backward_recorded`], in the order of the requests; nothing unless asked for.
    pub recordings: Option<Vec<Recording>>,
}

impl Decoder<'_> {
    /// Samples completions, in the order of the requests and their seeds; `None` if `on_progress` broke off.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for empty prompts, ids outside the vocabulary, impossible sampling settings, or logits
    /// that are not finite.
    pub fn generate(
        &self,
        adapters: Option<&AdapterSet>,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Vec<Completion>>>, ModelError> {
        let generated = self.generate_recorded(adapters, requests, sampling, false, on_progress)?;
        Ok(generated.map(|generated| generated.completions))
    }

    /// As [`Decoder::generate`]; if `record`, keeps what the layers make of every row, for a backward pass.
    ///
    /// # Errors
    /// As [`Decoder::generate`].
    pub fn generate_recorded(
        &self,
        adapters: Option<&AdapterSet>,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        record: bool,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Generated>, ModelError> {
        let sampler = Sampler::new(sampling)?;
        let mut batch = Batch::new(*self, adapters, requests, sampler)?;
        if record {
            batch.record();
        }
        loop {
            // Inside rayon's pool a kernel costs no hand-over between threads.
            let alive = rayon::scope(|_| batch.step())?;
            if on_progress(batch.tokens_written(), batch.active()).is_break() {
                return Ok(None);
            }
            if !alive {
                let (completions, recordings) = batch.finish();
                return Ok(Some(Generated { completions, recordings }));
            }
        }
    }
}

impl Model {
    /// As [`Decoder::generate`].
    ///
    /// # Errors
    /// As [`Decoder::generate`], and for an adapter that does not fit.
    pub fn generate(
        &self,
        lora: Option<&Lora>,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Vec<Completion>>>, ModelError> {
        let adapters = lora.map(|lora| AdapterSet::from_lora(&self.config, lora)).transpose()?;
        self.decoder().generate(adapters.as_ref(), requests, sampling, on_progress)
    }

    /// As [`Decoder::generate_recorded`].
    ///
    /// # Errors
    /// As [`Model::generate`].
    pub fn generate_recorded(
        &self,
        lora: &Lora,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        record: bool,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Generated>, ModelError> {
        let adapters = AdapterSet::from_lora(&self.config, lora)?;
        self.decoder().generate_recorded(Some(&adapters), requests, sampling, record, on_progress)
    }
}
