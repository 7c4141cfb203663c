//! Keys and values of a batch: one region per prompt, shared by its samples, and one slot per sequence being written.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::model::{
    Decoder,
    ops::{self, layout::CacheRow},
};

/// Preallocated keys and values of all layers, written in place.
#[derive(Debug)]
pub struct Cache {
    prompts: Vec<Tensor<2>>,
    own: Vec<Tensor<2>>,
    region_rows: usize,
    slot_rows: usize,
}

/// The shape of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheShape {
    /// Prompts held at a time.
    pub regions: usize,
    /// Rows of the longest prompt.
    pub region_rows: usize,
    /// Sequences written at a time.
    pub slots: usize,
    /// Rows of the longest completion.
    pub slot_rows: usize,
}

impl Cache {
    /// An empty cache for a decoder.
    pub fn new(decoder: &Decoder<'_>, shape: CacheShape) -> Self {
        let (width, device, dtype) = (decoder.heads().kv_width(), decoder.device(), decoder.weights.activations);
        let layers = decoder.weights.layers.len();
        let zeros = |rows: usize| (0..layers).map(|_| Tensor::zeros([rows.max(1), width], (&device, dtype))).collect();
        Self {
            prompts: zeros(shape.regions * shape.region_rows),
            own: zeros(shape.slots * shape.slot_rows),
            region_rows: shape.region_rows,
            slot_rows: shape.slot_rows,
        }
    }

    /// Bytes that a row takes in all layers.
    pub fn row_bytes(decoder: &Decoder<'_>) -> usize {
        decoder.heads().kv_width() * decoder.weights.layers.len() * decoder.weights.activations.size()
    }

    /// Where a sequence finds its rows.
    pub fn row(&self, region: usize, prompt_rows: usize, slot: usize, own_rows: usize) -> CacheRow {
        CacheRow { prompt_start: region * self.region_rows, prompt_rows, own_start: slot * self.slot_rows, own_rows }
    }

    /// Stores a layer's keys and values of a whole prompt, from its rotated q/k/v rows.
    pub fn store_prompt(&mut self, layer: usize, region: usize, qkv: &Tensor<2>, decoder: &Decoder<'_>) {
        let heads = decoder.heads();
        let start = region * self.region_rows;
        let rows = qkv.dims()[0];
        let kv = qkv.clone().narrow(1, heads.q_width(), heads.kv_width());
        self.prompts[layer].inplace(|cache| cache.slice_assign([start..start + rows, 0..heads.kv_width()], kv));
    }

    /// Copies the first `rows` rows of a slot to another one, in all layers.
    pub fn copy_slot(&mut self, from: usize, to: usize, rows: usize) {
        if rows == 0 {
            return;
        }
        let (from, to) = (from * self.slot_rows, to * self.slot_rows);
        for own in &mut self.own {
            let width = own.dims()[1];
            let copied = own.clone().narrow(0, from, rows);
            own.inplace(|own| own.slice_assign([to..to + rows, 0..width], copied));
        }
    }

    /// [`ops::cached_attention`] of a layer: outputs and log sums.
    pub fn attend(
        &mut self,
        layer: usize,
        qkv: Tensor<2>,
        rows: &Arc<Vec<CacheRow>>,
        decoder: &Decoder<'_>,
    ) -> (Tensor<2>, Tensor<2>) {
        // Taken out, so that no second handle forces a copy.
        let own = self.own[layer].extract();
        let (out, log_sums, own) = ops::cached_attention(qkv, &self.prompts[layer], own, decoder.heads(), rows);
        self.own[layer] = own;
        (out, log_sums)
    }
}
