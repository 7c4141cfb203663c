//! Keys and values of a batch: one region per prompt, shared by its samples, and one slot per sequence being written.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::batch::SLOTS;
use crate::model::{
    Decoder, ModelConfig,
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

/// Memory for the prompts' keys and values at a time, unless a single prompt takes more.
const PROMPT_BYTES: usize = 256 << 20;

impl CacheShape {
    /// For so many prompts of at most `longest` tokens, and `samples` completions in all of at most `new_tokens`, with numbers of
    /// `width` bytes.
    pub fn plan(
        config: &ModelConfig,
        prompts: usize,
        longest: usize,
        samples: usize,
        new_tokens: usize,
        width: usize,
    ) -> Self {
        let fitting = PROMPT_BYTES / (longest * Self::row_bytes(config, width)).max(1);
        Self {
            regions: prompts.min(SLOTS).min(fitting.max(1)),
            region_rows: longest,
            slots: samples.min(SLOTS),
            // A completion's last token is not fed back.
            slot_rows: new_tokens.saturating_sub(1),
        }
    }

    /// Bytes that a row takes in all layers.
    fn row_bytes(config: &ModelConfig, width: usize) -> usize {
        2 * config.key_value_size() * config.num_hidden_layers * width
    }

    /// Bytes of all rows.
    pub fn bytes(self, config: &ModelConfig, width: usize) -> u64 {
        ((self.regions * self.region_rows + self.slots * self.slot_rows) * Self::row_bytes(config, width)) as u64
    }
}

impl Cache {
    /// An empty cache for a decoder.
    pub fn new(decoder: &Decoder<'_>, shape: CacheShape) -> Self {
        let (width, device, dtype) = (decoder.heads().kv_width(), decoder.device(), decoder.weights.activations);
        let layers = decoder.weights.layers.len();
        let empty = |rows: usize| Tensor::<1>::zeros([rows * width], (&device, dtype)).reshape([rows, width]);
        let zeros = |rows: usize| (0..layers).map(|_| empty(rows.max(1))).collect();
        Self {
            prompts: zeros(shape.regions * shape.region_rows),
            own: zeros(shape.slots * shape.slot_rows),
            region_rows: shape.region_rows,
            slot_rows: shape.slot_rows,
        }
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
