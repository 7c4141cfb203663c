//! The frozen base: embedding, layers, final norm, head.

use burn::tensor::{DType, Tensor};

use super::{
    decoder::adapters::{Adapter, AdapterSet, Stack},
    packed::PackedMatrix,
};

/// Matrices that read the same input, on top of each other: one output with a column range per projection.
#[derive(Debug, Clone)]
pub struct StackedLinear {
    /// One matrix per run of equal formats, top to bottom.
    pub parts: Vec<PackedMatrix>,
    /// Output columns of each projection, in order.
    pub widths: Vec<usize>,
    /// Added to the output, `[out]`.
    pub bias: Option<Tensor<1>>,
    /// Adapters that are part of the frozen base.
    pub frozen: Vec<Adapter>,
}

impl StackedLinear {
    /// Stacks projections; `bias` covers all of them, in order.
    pub fn new(projections: Vec<PackedMatrix>, bias: Option<Tensor<1>>) -> Self {
        let widths = projections.iter().map(PackedMatrix::rows).collect();
        Self { parts: PackedMatrix::stack(projections), widths, bias, frozen: Vec::new() }
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.parts.first().map_or(0, PackedMatrix::cols)
    }

    /// Outputs of all projections together.
    pub fn rows(&self) -> usize {
        self.widths.iter().sum()
    }
}

/// `RMSNorm` of each q head and each k head by itself, before they are rotated (Qwen3); both `[head_dim]`.
#[derive(Debug, Clone)]
pub struct QueryKeyNorm {
    /// Of the query heads.
    pub query: Tensor<1>,
    /// Of the key heads.
    pub key: Tensor<1>,
}

/// One decoder layer. q and k rows are in Hugging Face's order (see [`super::packed::undo_rope_row_order`]).
#[derive(Debug, Clone)]
pub struct LayerWeights {
    /// `RMSNorm` before attention, `[hidden]`.
    pub attention_norm: Tensor<1>,
    /// q, k and v projections.
    pub qkv: StackedLinear,
    /// What q and k heads go through then, in architectures that have it.
    pub query_key_norm: Option<QueryKeyNorm>,
    /// Attention's output projection.
    pub output: StackedLinear,
    /// `RMSNorm` before the feed-forward part, `[hidden]`.
    pub feed_forward_norm: Tensor<1>,
    /// gate and up projections.
    pub gate_up: StackedLinear,
    /// down projection.
    pub down: StackedLinear,
}

impl LayerWeights {
    /// Norms and biases.
    fn vectors(&self) -> impl Iterator<Item = &Tensor<1>> {
        let biases = [&self.qkv, &self.output, &self.gate_up, &self.down].into_iter().filter_map(|l| l.bias.as_ref());
        let of_heads = self.query_key_norm.iter().flat_map(|norm| [&norm.query, &norm.key]);
        biases.chain(of_heads).chain([&self.attention_norm, &self.feed_forward_norm])
    }
}

/// All frozen weights of a decoder.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Token embedding, `[vocabulary, hidden]`.
    pub embedding: PackedMatrix,
    /// Layers, first to last.
    pub layers: Vec<LayerWeights>,
    /// `RMSNorm` before the head, `[hidden]`.
    pub final_norm: Tensor<1>,
    /// Language-model head, `[vocabulary, hidden]`; the embedding serves if absent.
    pub head: Option<PackedMatrix>,
    /// Type of the activations.
    pub activations: DType,
}

impl Weights {
    /// The head's matrix.
    pub fn head(&self) -> &PackedMatrix {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Makes adapters part of the base: nothing trains them, and everything that is computed has them.
    pub fn attach(&mut self, adapters: &AdapterSet) {
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let stacks = [
                (Stack::Qkv, &mut layer.qkv),
                (Stack::Output, &mut layer.output),
                (Stack::GateUp, &mut layer.gate_up),
                (Stack::Down, &mut layer.down),
            ];
            for (stack, linear) in stacks {
                linear.frozen.extend(adapters.get(number, stack).cloned());
            }
        }
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> u64 {
        let layers = self.layers.iter().flat_map(|l| [&l.qkv, &l.output, &l.gate_up, &l.down]);
        let frozen: usize = layers.clone().flat_map(|linear| &linear.frozen).map(Adapter::elements).sum();
        let matrices = layers.flat_map(|linear| &linear.parts).chain([&self.embedding]).chain(&self.head);
        let vectors = self.layers.iter().flat_map(LayerWeights::vectors).chain([&self.final_norm]);
        let floats: usize = vectors.map(|vector| vector.dims()[0]).sum();
        matrices.map(PackedMatrix::bytes).sum::<u64>() + (floats + frozen) as u64 * 4
    }
}
