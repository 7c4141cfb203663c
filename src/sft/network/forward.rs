//! The forward pass over a bundle, with what the backward pass needs.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Network, Part};
use crate::{
    model::ops::{
        self, AttentionRecord, Rotation,
        layout::{Heads, Segments},
    },
    sft::Bundle,
};

/// How the rows of a bundle are laid out.
pub(super) struct Rows {
    pub ids: Tensor<1, Int>,
    pub segments: Arc<Segments>,
    pub rotation: Rotation,
    pub heads: Heads,
}

/// What the backward pass needs of a layer.
pub(super) struct Tape {
    /// Input.
    pub x: Tensor<2>,
    /// Its norm, the input of q, k and v.
    pub normed: Tensor<2>,
    pub attention: AttentionRecord,
    /// Residual stream between attention and feed-forward.
    pub middle: Tensor<2>,
    /// Its norm, the input of gate and up.
    pub middle_normed: Tensor<2>,
    pub gate_up: Tensor<2>,
    /// The input of the projection back.
    pub activated: Tensor<2>,
}

/// Indices as a tensor.
pub(super) fn indices(values: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.map(|value| value as i64).collect();
    Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device)
}

/// `x` · Wᵀ.
pub(super) fn linear(x: &Tensor<2>, weight: &Tensor<2>) -> Tensor<2> {
    x.clone().matmul(weight.clone().transpose())
}

impl Network {
    pub(super) fn rows(&self, bundle: &Bundle) -> Rows {
        let device = self.embedding().device();
        let segments = Arc::new(bundle.packed.segments());
        Rows {
            ids: indices(bundle.packed.row_ids().into_iter().map(|id| id as usize), &device),
            rotation: Rotation::new(&segments.positions(), &self.config.rope_frequencies(), &device),
            heads: self.heads(),
            segments,
        }
    }

    pub(super) fn norm(&self, x: &Tensor<2>, weight: &Tensor<2>) -> Tensor<2> {
        ops::rms_norm(x.clone(), &weight.clone().flatten::<1>(0, 1), self.config.rms_norm_eps)
    }

    /// The residual stream behind the last layer, and the layers' tapes.
    pub(super) fn forward(&self, rows: &Rows) -> (Tensor<2>, Vec<Tape>) {
        let mut x = self.embedding().clone().select(0, rows.ids.clone());
        let mut tapes = Vec::with_capacity(self.config.num_hidden_layers);
        for layer in 0..self.config.num_hidden_layers {
            let (y, tape) = self.layer(layer, x, rows);
            tapes.push(tape);
            x = y;
        }
        (x, tapes)
    }

    fn layer(&self, layer: usize, x: Tensor<2>, rows: &Rows) -> (Tensor<2>, Tape) {
        let part = |part| self.part(layer, part);
        let normed = self.norm(&x, part(Part::AttentionNorm));
        let qkv = ops::rope(linear(&normed, part(Part::Qkv)), &rows.rotation, rows.heads, false);
        let (out, log_sums) = ops::attention(qkv.clone(), rows.heads, &rows.segments);
        let middle = x.clone() + linear(&out, part(Part::Output));
        let middle_normed = self.norm(&middle, part(Part::FeedForwardNorm));
        let gate_up = linear(&middle_normed, part(Part::GateUp));
        let activated = ops::swiglu(gate_up.clone());
        let y = middle.clone() + linear(&activated, part(Part::Down));
        let attention = AttentionRecord { qkv, out, log_sums };
        (y, Tape { x, normed, attention, middle, middle_normed, gate_up, activated })
    }
}
