//! One decoder layer, forward and backward.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};

use super::{
    adapters::{AdapterSet, LoraGrads, Stack},
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
    /// Residual stream between attention and feed-forward.
    middle: Tensor<2>,
    /// Stacked gate and up outputs.
    gate_up: Tensor<2>,
}

impl LayerRecord {
    /// Bytes that a record of so many rows takes.
    pub fn bytes(config: &ModelConfig, rows: usize) -> u64 {
        let qkv = config.query_size() + 2 * config.key_value_size();
        let columns = 2 * config.hidden_size
            + qkv
            + config.query_size()
            + config.num_attention_heads
            + 2 * config.intermediate_size;
        (columns * rows * 4) as u64
    }

    /// The rows `order` of several records on top of each other.
    pub(super) fn gather(parts: &[Self], order: &Tensor<1, Int>) -> Self {
        let field = |of: fn(&Self) -> &Tensor<2>| {
            Tensor::cat(parts.iter().map(|part| of(part).clone()).collect(), 0).select(0, order.clone())
        };
        Self {
            x: field(|part| &part.x),
            attention: AttentionRecord {
                qkv: field(|part| &part.attention.qkv),
                out: field(|part| &part.attention.out),
                log_sums: field(|part| &part.attention.log_sums),
            },
            middle: field(|part| &part.middle),
            gate_up: field(|part| &part.gate_up),
        }
    }
}

impl Layer<'_> {
    fn linear(&self, stack: Stack, weights: &StackedLinear, x: Tensor<2>) -> Tensor<2> {
        linear::forward(x, weights, self.adapters.and_then(|set| set.get(self.index, stack)))
    }

    /// Rotated q/k/v rows of the layer's input.
    pub fn qkv(&self, x: Tensor<2>) -> Tensor<2> {
        let normed = ops::rms_norm(x, &self.weights.attention_norm, self.eps);
        ops::rope(self.linear(Stack::Qkv, &self.weights.qkv, normed), self.rotation, self.heads, false)
    }

    /// What follows attention, from its record: the layer's output, and what its backward pass needs.
    pub fn finish(&self, x: Tensor<2>, attention: AttentionRecord) -> (Tensor<2>, LayerRecord) {
        let middle = x.clone() + self.linear(Stack::Output, &self.weights.output, attention.out.clone());
        let normed = ops::rms_norm(middle.clone(), &self.weights.feed_forward_norm, self.eps);
        let gate_up = self.linear(Stack::GateUp, &self.weights.gate_up, normed);
        let y = middle.clone() + self.linear(Stack::Down, &self.weights.down, ops::swiglu(gate_up.clone()));
        (y, LayerRecord { x, attention, middle, gate_up })
    }

    /// The whole layer over a packed sequence, with what its backward pass needs.
    pub fn forward(&self, x: Tensor<2>, segments: &Arc<Segments>) -> (Tensor<2>, LayerRecord) {
        let qkv = self.qkv(x.clone());
        let (out, log_sums) = ops::attention(qkv.clone(), self.heads, segments);
        self.finish(x, AttentionRecord { qkv, out, log_sums })
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
        let LayerRecord { x, attention, middle, gate_up } = record;
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
