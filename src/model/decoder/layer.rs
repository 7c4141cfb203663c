//! One decoder layer, forward and backward.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};

use super::{
    adapters::{AdapterSet, LoraGrads, Stack},
    head_norm,
    linear::{self, AdapterGrads},
};
use crate::model::{
    ModelConfig,
    ops::{
        self, AttentionRecord, Rotation,
        layout::{Heads, Segments},
    },
    weights::{LayerWeights, StackedLinear},
};

/// The q/k/v rows of a layer's input.
#[derive(Debug, Clone)]
pub struct Projected {
    /// Rotated, as attention reads them.
    pub rotated: Tensor<2>,
    /// As they were before q and k heads were normalized, in architectures that do that.
    before_norm: Option<Tensor<2>>,
}

/// A layer with its adapters, and how the rows at hand are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Number, from 0.
    pub index: usize,
    /// Frozen weights.
    pub weights: &'a LayerWeights,
    /// Adapters of all layers.
    pub adapters: Option<&'a AdapterSet>,
    /// Attention heads.
    pub heads: Heads,
    /// Added to the mean square in RMS normalization.
    pub eps: f32,
    /// Angles of the rows' positions.
    pub rotation: &'a Rotation,
}

/// What the backward pass needs of a layer's forward pass.
#[derive(Debug, Clone)]
pub struct LayerRecord {
    /// Input.
    x: Tensor<2>,
    /// Attention's input, output and log sums.
    attention: AttentionRecord,
    /// See [`Projected::before_norm`].
    before_norm: Option<Tensor<2>>,
    /// Residual stream between attention and feed-forward.
    middle: Tensor<2>,
    /// Stacked gate and up outputs.
    gate_up: Tensor<2>,
}

impl LayerRecord {
    /// Bytes that a record of so many rows takes, with activations of `width` bytes.
    pub fn bytes(config: &ModelConfig, rows: usize, width: usize) -> u64 {
        let qkv = config.query_size() + 2 * config.key_value_size();
        let columns = 2 * config.hidden_size
            + qkv * (1 + usize::from(config.query_key_norm))
            + config.query_size()
            + 2 * config.intermediate_size;
        ((columns * width + config.num_attention_heads * size_of::<f32>()) * rows) as u64
    }

    /// Bytes that computing with one record takes beside it, in the backward pass at its widest: the gradients of gate and up and of their
    /// product, and the residual stream's with its neighbours; of 16 bits, the adapter's input and the gradient through it as float32, too.
    pub fn working_bytes(config: &ModelConfig, rows: usize, width: usize) -> u64 {
        let columns = 3 * config.intermediate_size + 4 * config.hidden_size;
        let widened = if width < size_of::<f32>() { 2 * config.intermediate_size * size_of::<f32>() } else { 0 };
        ((columns * width + widened) * rows) as u64
    }

    /// The rows `order` of several records on top of each other.
    pub(super) fn gather(parts: &[Self], order: &Tensor<1, Int>) -> Self {
        let ordered = |parts: Vec<Tensor<2>>| Tensor::cat(parts, 0).select(0, order.clone());
        let field = |of: fn(&Self) -> &Tensor<2>| ordered(parts.iter().map(|part| of(part).clone()).collect());
        let before_norm: Option<Vec<_>> = parts.iter().map(|part| part.before_norm.clone()).collect();
        Self {
            x: field(|part| &part.x),
            attention: AttentionRecord {
                qkv: field(|part| &part.attention.qkv),
                out: field(|part| &part.attention.out),
                log_sums: field(|part| &part.attention.log_sums),
            },
            before_norm: before_norm.map(ordered),
            middle: field(|part| &part.middle),
            gate_up: field(|part| &part.gate_up),
        }
    }
}

impl Layer<'_> {
    fn linear(&self, stack: Stack, weights: &StackedLinear, x: &Tensor<2>) -> Tensor<2> {
        linear::forward(x, weights, self.adapters.and_then(|set| set.get(self.index, stack)))
    }

    /// q/k/v rows of the layer's input.
    pub fn qkv(&self, x: Tensor<2>) -> Projected {
        let normed = ops::rms_norm(x, &self.weights.attention_norm, self.eps);
        let qkv = self.linear(Stack::Qkv, &self.weights.qkv, &normed);
        let (qkv, before_norm) = match &self.weights.query_key_norm {
            Some(norm) => (head_norm::forward(&qkv, norm, self.heads, self.eps), Some(qkv)),
            None => (qkv, None),
        };
        Projected { rotated: ops::rope(qkv, self.rotation, self.heads, false), before_norm }
    }

    /// What follows attention, from its input, its output and its log sums: the layer's output, and what its backward pass
    /// needs.
    pub fn finish(
        &self,
        x: Tensor<2>,
        projected: Projected,
        (out, log_sums): (Tensor<2>, Tensor<2>),
    ) -> (Tensor<2>, LayerRecord) {
        let Projected { rotated, before_norm } = projected;
        let attention = AttentionRecord { qkv: rotated, out, log_sums };
        let middle = x.clone() + self.linear(Stack::Output, &self.weights.output, &attention.out);
        let normed = ops::rms_norm(middle.clone(), &self.weights.feed_forward_norm, self.eps);
        let gate_up = self.linear(Stack::GateUp, &self.weights.gate_up, &normed);
        let y = middle.clone() + self.linear(Stack::Down, &self.weights.down, &ops::swiglu(gate_up.clone()));
        (y, LayerRecord { x, attention, before_norm, middle, gate_up })
    }

    /// The whole layer over a packed sequence, with what its backward pass needs.
    pub fn forward(&self, x: Tensor<2>, segments: &Arc<Segments>) -> (Tensor<2>, LayerRecord) {
        let projected = self.qkv(x.clone());
        let attended = ops::attention(projected.rotated.clone(), self.heads, segments);
        self.finish(x, projected, attended)
    }

    /// The gradient of the layer's input from that of its output; adapter gradients are added to `grads`.
    ///
    /// The first layer's input needs no gradient: the embedding is frozen.
    pub fn backward(
        &self,
        g: Tensor<2>,
        record: LayerRecord,
        segments: &Arc<Segments>,
        grads: &mut LoraGrads,
    ) -> Option<Tensor<2>> {
        let LayerRecord { x, attention, before_norm, middle, gate_up } = record;
        let activated = ops::swiglu(gate_up.clone());
        let g_activated = self.back(Stack::Down, &self.weights.down, g.clone(), activated, true, grads)?;
        let g_gate_up = ops::swiglu_backward(g_activated, gate_up);
        let normed = ops::rms_norm(middle.clone(), &self.weights.feed_forward_norm, self.eps);
        let g_normed = self.back(Stack::GateUp, &self.weights.gate_up, g_gate_up, normed, true, grads)?;
        let g = g + ops::rms_norm_backward(g_normed, middle, &self.weights.feed_forward_norm, self.eps);

        let heads_out = attention.out.clone();
        let g_heads = self.back(Stack::Output, &self.weights.output, g.clone(), heads_out, true, grads)?;
        let g_rotated = ops::attention_backward(g_heads, attention, self.heads, segments);
        let g_qkv = ops::rope(g_rotated, self.rotation, self.heads, true);
        let g_qkv = match (&self.weights.query_key_norm, &before_norm) {
            (Some(norm), Some(qkv)) => head_norm::backward(&g_qkv, qkv, norm, self.heads, self.eps),
            _ => g_qkv,
        };
        let normed = ops::rms_norm(x.clone(), &self.weights.attention_norm, self.eps);
        let g_normed = self.back(Stack::Qkv, &self.weights.qkv, g_qkv, normed, self.index > 0, grads)?;
        Some(g + ops::rms_norm_backward(g_normed, x, &self.weights.attention_norm, self.eps))
    }

    fn back(
        &self,
        stack: Stack,
        weights: &StackedLinear,
        g: Tensor<2>,
        x: Tensor<2>,
        wants_input: bool,
        grads: &mut LoraGrads,
    ) -> Option<Tensor<2>> {
        let adapter = self.adapters.and_then(|set| set.get(self.index, stack));
        let (x_grad, adapter_grads) = linear::backward(g, x, weights, adapter, wants_input);
        if let (Some(adapter), Some(AdapterGrads { a, b })) = (adapter, adapter_grads) {
            grads.add(adapter, &a, &b);
        }
        x_grad
    }
}
