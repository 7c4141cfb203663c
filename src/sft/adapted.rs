//! A frozen base model whose adapter learns.

use std::path::Path;

use super::{Bundle, Pupil};
use crate::{
    model::{
        BackwardOptions, Completion, GenerateRequest, Lora, LoraGrads, LoraParam, Model, ModelError, Sampling,
        TokenScores, Tokenizer, generate::ProgressFn,
    },
    run::event::ModelSummary,
};

/// A base model with the adapter in training.
pub struct Adapted {
    /// The frozen base.
    pub model: Model,
    /// The adapter.
    pub adapter: Lora,
    /// How the backward pass trades memory for time.
    pub options: BackwardOptions,
}

impl Pupil for Adapted {
    fn params(&self) -> &[LoraParam] {
        &self.adapter.params
    }

    fn params_mut(&mut self) -> &mut [LoraParam] {
        &mut self.adapter.params
    }

    fn gradient(&self, bundle: &Bundle, weight: f32, grads: &mut LoraGrads) -> Result<f64, ModelError> {
        // The loss is −log p, so that its derivative with respect to log p is −1 for every token that counts.
        let mut loss = |_: &TokenScores| bundle.token_weights(-weight).into();
        let scores = self.model.backward(&self.adapter, &bundle.packed, 1.0, self.options, &mut loss, grads)?;
        let answers = scores.logprobs.iter().zip(&bundle.answers).flat_map(|(logprobs, &answer)| &logprobs[answer..]);
        Ok(answers.map(|&logprob| -f64::from(logprob)).sum())
    }

    fn generate(
        &self,
        requests: &[GenerateRequest],
        sampling: &Sampling,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Vec<Completion>>>, ModelError> {
        self.model.generate(Some(&self.adapter), requests, sampling, on_progress)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.model.tokenizer
    }

    fn summary(&self) -> ModelSummary {
        ModelSummary { trainable_parameters: self.adapter.parameters(), ..self.model.summary() }
    }

    fn save(&self, dir: &Path) -> Result<(), ModelError> {
        self.adapter.save(dir, &self.model.summary().path)
    }

    fn restore(&mut self, dir: &Path) -> Result<(), ModelError> {
        let device = self.adapter.params[0].value.device();
        let adapter = Lora::load(dir, &self.model.config, &device)?;
        if adapter.rank != self.adapter.rank {
            let problem = format!("has rank {}, but the setting `lora.r` is {}", adapter.rank, self.adapter.rank);
            return Err(ModelError::adapter(dir, problem));
        }
        self.adapter = adapter;
        Ok(())
    }
}
