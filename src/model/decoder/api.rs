//! The decoder's work as methods of a loaded model with an adapter.

use super::{AdapterSet, BackwardOptions, Decoder, LoraGrads, LossFn, PackedGroup, Recording, TokenScores};
use crate::model::{Lora, Model, ModelConfig, ModelError};

impl AdapterSet {
    /// Arranges an adapter's matrices as the decoder reads them. Copies them: do it once per pass, not per row.
    ///
    /// # Errors
    /// As [`AdapterSet::new`].
    pub fn from_lora(config: &ModelConfig, lora: &Lora) -> Result<Self, ModelError> {
        Self::new(config, lora.scale, lora.params.iter().map(|p| (p.name.as_str(), &p.value)))
    }
}

impl LoraGrads {
    /// Zeros, one tensor for each of the adapter's parameters.
    pub fn of(lora: &Lora) -> Self {
        Self::zeros(lora.params.iter().map(|p| &p.value))
    }
}

impl Model {
    /// What computes.
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder { config: &self.config, weights: &self.weights }
    }

    /// Log-probabilities and entropies of a group's completion tokens under softmax(logits / `temperature`).
    ///
    /// # Errors
    /// As [`Decoder::score`], and for an adapter that does not fit.
    pub fn score(&self, lora: Option<&Lora>, group: &PackedGroup, temperature: f32) -> Result<TokenScores, ModelError> {
        let adapters = lora.map(|lora| AdapterSet::from_lora(&self.config, lora)).transpose()?;
        self.decoder().score(adapters.as_ref(), group, temperature)
    }

    /// Forward, `loss` (which turns the scores into dLoss/dlogprob), backward; adds to `grads`. Returns the scores.
    ///
    /// # Errors
    /// As [`Decoder::backward`], and for an adapter that does not fit.
    pub fn backward(
        &self,
        lora: &Lora,
        group: &PackedGroup,
        temperature: f32,
        options: BackwardOptions,
        loss: &mut LossFn<'_>,
        grads: &mut LoraGrads,
    ) -> Result<TokenScores, ModelError> {
        let dropout = options.dropout.map(|dropout| dropout.of(group, lora)).transpose()?;
        let adapters = AdapterSet::from_lora(&self.config, lora)?.with_dropout(dropout);
        self.decoder().backward(&adapters, group, temperature, options, loss, grads)
    }

    /// As [`Model::backward`], from what generation with the same adapter recorded of the group: without dropout.
    ///
    /// # Errors
    /// As [`Decoder::backward_recorded`], and for an adapter that does not fit.
    pub fn backward_recorded(
        &self,
        lora: &Lora,
        recorded: (&PackedGroup, Recording),
        temperature: f32,
        head_chunk: usize,
        loss: &mut LossFn<'_>,
        grads: &mut LoraGrads,
    ) -> Result<TokenScores, ModelError> {
        let adapters = AdapterSet::from_lora(&self.config, lora)?;
        self.decoder().backward_recorded(&adapters, recorded, temperature, head_chunk, loss, grads)
    }
}
