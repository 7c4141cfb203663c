//! The decoder: scores of completions, and gradients of adapters, over one packed sequence per group.
//!
//! There is no autodiff graph. The backward pass goes layer by layer, from what the forward pass kept of a layer or, where
//! memory is short, from the layer's input alone.

pub mod adapters;
mod api;
mod dropout;
pub mod group;
mod head;
mod head_norm;
mod layer;
mod linear;
mod logits;
mod memory;
mod recording;

#[cfg(test)]
mod frozen_tests;
#[cfg(test)]
mod golden_architectures;
#[cfg(test)]
mod golden_quantized;
#[cfg(test)]
pub(crate) mod golden_tests;
#[cfg(all(test, feature = "gpu"))]
mod half_tests;
#[cfg(test)]
mod llama_cpp_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

pub use self::{
    adapters::{AdapterSet, LoraGrads},
    dropout::Dropout,
    group::{PackedGroup, TokenGrads, TokenScores},
    layer::Layer,
    layer::LayerRecord,
    memory::{keeps_generation, keeps_records, kept_layers},
    recording::{RecordedRows, Recording},
};
use self::{group::HeadPlan, head::Head};
use super::{
    ModelConfig, ModelError,
    ops::{
        self, Rotation,
        layout::{Heads, Segments},
    },
    weights::Weights,
};
use crate::settings::Recompute;

/// Rows of logits at a time where there is no setting to say so.
const HEAD_CHUNK: usize = 128;

/// How a backward pass trades memory for time, and what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackwardOptions {
    /// Whether layers are computed anew from their inputs.
    pub recompute: Recompute,
    /// Rows of logits held at a time.
    pub head_chunk: usize,
    /// Dropout on the trained adapter's inputs; [`crate::model::Model::backward`] makes the seed depend on group and adapter.
    pub dropout: Option<Dropout>,
}

impl Default for BackwardOptions {
    fn default() -> Self {
        Self { recompute: Recompute::Auto, head_chunk: HEAD_CHUNK, dropout: None }
    }
}

/// What a loss makes of the scores.
pub type LossFn<'a> = dyn FnMut(&TokenScores) -> TokenGrads + 'a;

/// A model's shape and weights, ready to compute.
#[derive(Debug, Clone, Copy)]
pub struct Decoder<'a> {
    /// Shape.
    pub config: &'a ModelConfig,
    /// Frozen weights.
    pub weights: &'a Weights,
}

/// What a layer leaves for the backward pass.
enum Kept {
    /// All it needs.
    Record(Box<LayerRecord>),
    /// The input only.
    Input(Box<Tensor<2>>),
}

/// A forward pass, as the backward pass goes on from it.
struct Forwarded {
    segments: Arc<Segments>,
    rotation: Rotation,
    /// The residual stream behind the last layer, for the head's rows.
    last: Tensor<2>,
    kept: Trail,
}

/// What the layers left.
enum Trail {
    /// Layer by layer, by this pass.
    Layers(Vec<Kept>),
    /// By generation.
    Recorded(Box<Recording>),
}

impl Trail {
    /// The record of the last layer that is left.
    fn pop(&mut self, layer: &Layer<'_>, segments: &Arc<Segments>) -> Option<LayerRecord> {
        match self {
            Self::Recorded(recording) => recording.pop_layer(),
            Self::Layers(kept) => Some(match kept.pop()? {
                Kept::Record(record) => *record,
                Kept::Input(x) => layer.forward(*x, segments).1,
            }),
        }
    }
}

/// The rows of a group on their way through the layers.
struct Rows {
    segments: Arc<Segments>,
    rotation: Rotation,
    x: Tensor<2>,
}

impl<'a> Decoder<'a> {
    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.weights.final_norm.device()
    }

    /// Attention heads of a layer.
    pub fn heads(&self) -> Heads {
        let config = self.config;
        Heads { q: config.num_attention_heads, kv: config.num_key_value_heads, dim: config.head_dim }
    }

    /// A layer for rows with the given angles.
    pub fn layer<'b>(&'b self, index: usize, adapters: Option<&'b AdapterSet>, rotation: &'b Rotation) -> Layer<'b> {
        let weights = &self.weights.layers[index];
        Layer { index, weights, adapters, heads: self.heads(), eps: self.config.rms_norm_eps, rotation }
    }

    /// Cosines and sines for positions.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for positions beyond a sliding window: within it, attention to all earlier tokens is what the
    /// model was trained with; beyond it, it is not, and the window itself is not computed.
    pub fn rotation(&self, positions: &[usize]) -> Result<Rotation, ModelError> {
        if let Some(window) = self.config.sliding_window
            && let Some(position) = positions.iter().find(|position| **position >= window)
        {
            return Err(ModelError::Compute(format!(
                "a sequence of {} tokens is longer than the model's sliding window of {window}, beyond which attention is \
                 not computed; use shorter prompts and completions",
                position + 1
            )));
        }
        Ok(Rotation::new(positions, &self.config.rope_frequencies(), &self.device()))
    }

    /// Embeddings of tokens, `[ids, hidden]`.
    pub fn embed(&self, ids: &[u32]) -> Tensor<2> {
        ops::gather(&self.weights.embedding, ids, self.weights.activations)
    }

    /// Final normalization.
    pub fn norm(&self, x: Tensor<2>) -> Tensor<2> {
        ops::rms_norm(x, &self.weights.final_norm, self.config.rms_norm_eps)
    }

    fn start(&self, group: &PackedGroup) -> Result<Rows, ModelError> {
        group.check(self.config.vocab_size)?;
        let segments = Arc::new(group.segments());
        Ok(Rows { rotation: self.rotation(&segments.positions())?, x: self.embed(&group.row_ids()), segments })
    }

    fn head(&self, temperature: f32, chunk: usize) -> Head<'a> {
        Head { matrix: self.weights.head(), temperature, chunk }
    }

    /// Log-probabilities and entropies of a group's completion tokens.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for an empty prompt, ids outside the vocabulary, or a device that fails.
    pub fn score(
        &self,
        adapters: Option<&AdapterSet>,
        group: &PackedGroup,
        temperature: f32,
    ) -> Result<TokenScores, ModelError> {
        let Rows { segments, rotation, mut x } = self.start(group)?;
        let plan = HeadPlan::new(group);
        for index in 0..self.weights.layers.len() {
            let layer = self.layer(index, adapters, &rotation);
            x = layer.forward(x, &segments).0;
        }
        let hidden = self.norm(x.narrow(0, plan.first, plan.rows));
        Ok(self.head(temperature, HEAD_CHUNK).scores(&hidden, &plan)?.0)
    }

    /// Forward, `loss`, backward: adds the gradients of the adapters' parameters to `grads` and returns the scores.
    ///
    /// # Errors
    /// As [`Decoder::score`], and if `loss` returns gradients of another shape than the log-probabilities.
    pub fn backward(
        &self,
        adapters: &AdapterSet,
        group: &PackedGroup,
        temperature: f32,
        options: BackwardOptions,
        loss: &mut LossFn<'_>,
        grads: &mut LoraGrads,
    ) -> Result<TokenScores, ModelError> {
        let Rows { segments, rotation, mut x } = self.start(group)?;
        let plan = HeadPlan::new(group);
        let layers = self.weights.layers.len();
        let records = memory::layers_to_keep(options.recompute, self, segments.rows());
        let mut kept = Vec::with_capacity(layers);
        for index in 0..layers {
            let input = x.clone();
            let (y, record) = self.layer(index, Some(adapters), &rotation).forward(x, &segments);
            // The last layers' records are used first; keeping those shortens the time that memory is held.
            let keep = index + records >= layers;
            kept.push(if keep { Kept::Record(Box::new(record)) } else { Kept::Input(Box::new(input)) });
            x = y;
        }
        let last = x.narrow(0, plan.first, plan.rows);
        let forwarded = Forwarded { segments, rotation, last, kept: Trail::Layers(kept) };
        let head = self.head(temperature, options.head_chunk);
        self.back_through(adapters, forwarded, (head, &plan), loss, grads)
    }

    /// As [`Decoder::backward`], from what generation with the same weights recorded of the group in place of a forward pass.
    ///
    /// # Errors
    /// As [`Decoder::backward`], and if the recording is of another group.
    pub fn backward_recorded(
        &self,
        adapters: &AdapterSet,
        (group, recording): (&PackedGroup, Recording),
        temperature: f32,
        head_chunk: usize,
        loss: &mut LossFn<'_>,
        grads: &mut LoraGrads,
    ) -> Result<TokenScores, ModelError> {
        group.check(self.config.vocab_size)?;
        let (segments, plan) = (Arc::new(group.segments()), HeadPlan::new(group));
        if recording.shape() != (segments.prompt, segments.completions.clone()) {
            return Err(ModelError::Compute("what generation recorded does not fit the group".into()));
        }
        let rotation = self.rotation(&segments.positions())?;
        let last = recording.last_rows(plan.first);
        let forwarded = Forwarded { segments, rotation, last, kept: Trail::Recorded(Box::new(recording)) };
        self.back_through(adapters, forwarded, (self.head(temperature, head_chunk), &plan), loss, grads)
    }

    /// The head, the loss, and the way back.
    fn back_through(
        &self,
        adapters: &AdapterSet,
        forwarded: Forwarded,
        (head, plan): (Head<'_>, &HeadPlan),
        loss: &mut LossFn<'_>,
        grads: &mut LoraGrads,
    ) -> Result<TokenScores, ModelError> {
        let Forwarded { segments, rotation, last, mut kept } = forwarded;
        let hidden = self.norm(last.clone());
        let (scores, log_sums) = head.scores(&hidden, plan)?;
        let TokenGrads { logprobs, entropies } = loss(&scores);
        let rows = plan.entropy_rows(&entropies, &scores.entropies);
        let (Some(token_grads), Some(rows)) = (plan.pack(&logprobs), rows) else {
            return Err(ModelError::Compute(
                "the loss's gradients do not have the shape of the log-probabilities".into(),
            ));
        };
        if token_grads.iter().chain(rows.iter().map(|row| &row.grad)).all(|&g| g == 0.0) {
            return Ok(scores);
        }
        let g_hidden = head.backward(&hidden, &log_sums, plan, (&token_grads, &rows));
        let g_last = ops::rms_norm_backward(g_hidden, last, &self.weights.final_norm, self.config.rms_norm_eps);
        let before = Tensor::zeros([plan.first, self.config.hidden_size], (&g_last.device(), g_last.dtype()));
        let mut g = Tensor::cat(vec![before, g_last], 0);
        for index in (0..self.weights.layers.len()).rev() {
            let layer = self.layer(index, Some(adapters), &rotation);
            let Some(record) = kept.pop(&layer, &segments) else { break };
            let Some(next) = layer.backward(g, record, &segments, grads) else { break };
            g = next;
        }
        Ok(scores)
    }
}
