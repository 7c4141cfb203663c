//! Tokens in, logits out: a decoder with the keys and values of what it has read.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::cache::{Cache, CacheShape};
use crate::model::{AdapterSet, Decoder, ModelError, ops, ops::layout::Segments};

/// A decoder with its cache.
pub struct Stream<'a> {
    decoder: Decoder<'a>,
    adapters: Option<&'a AdapterSet>,
    cache: Cache,
}

/// The newest token of a sequence, and where its keys and values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// The token.
    pub token: u32,
    /// The prompt's region.
    pub region: usize,
    /// The prompt's length.
    pub prompt: usize,
    /// The sequence's slot.
    pub slot: usize,
    /// Tokens before it behind the prompt.
    pub own: usize,
}

impl<'a> Stream<'a> {
    /// With an empty cache.
    pub fn new(decoder: Decoder<'a>, adapters: Option<&'a AdapterSet>, shape: CacheShape) -> Self {
        Self { cache: Cache::new(&decoder, shape), decoder, adapters }
    }

    /// Logits for a token.
    pub fn vocab_size(&self) -> usize {
        self.decoder.config.vocab_size
    }

    /// Copies a sequence's first `rows` keys and values to another slot.
    pub fn fork(&mut self, from: usize, to: usize, rows: usize) {
        self.cache.copy_slot(from, to, rows);
    }

    /// Computes a prompt and keeps its keys and values; the logits behind it.
    ///
    /// # Errors
    /// The logits cannot be read.
    pub fn prefill(&mut self, region: usize, prompt: &[u32]) -> Result<Vec<f32>, ModelError> {
        let segments = Arc::new(Segments { prompt: prompt.len(), completions: vec![] });
        let rotation = self.decoder.rotation(&segments.positions());
        let mut x = self.decoder.embed(prompt);
        let layers = self.decoder.weights.layers.len();
        for index in 0..layers {
            let layer = self.decoder.layer(index, self.adapters, &rotation);
            let qkv = layer.qkv(x.clone());
            self.cache.store_prompt(index, region, &qkv, &self.decoder);
            let (mut heads, _) = ops::attention(qkv, layer.heads, &segments);
            if index + 1 == layers {
                // Nobody reads the other rows of the last layer.
                heads = heads.narrow(0, prompt.len() - 1, 1);
                x = x.narrow(0, prompt.len() - 1, 1);
            }
            x = layer.feed_forward(layer.after_attention(x, heads));
        }
        self.logits(x)
    }

    /// Feeds one token of each sequence; the logits behind them, row by row.
    ///
    /// # Errors
    /// The logits cannot be read.
    pub fn advance(&mut self, newest: &[Newest]) -> Result<Vec<f32>, ModelError> {
        let ids: Vec<u32> = newest.iter().map(|n| n.token).collect();
        let positions: Vec<usize> = newest.iter().map(|n| n.prompt + n.own).collect();
        let rows = newest.iter().map(|n| self.cache.row(n.region, n.prompt, n.slot, n.own));
        let rows = Arc::new(rows.collect::<Vec<_>>());
        let rotation = self.decoder.rotation(&positions);
        let mut x = self.decoder.embed(&ids);
        for index in 0..self.decoder.weights.layers.len() {
            let layer = self.decoder.layer(index, self.adapters, &rotation);
            let heads = self.cache.attend(index, layer.qkv(x.clone()), &rows, &self.decoder);
            x = layer.feed_forward(layer.after_attention(x, heads));
        }
        self.logits(x)
    }

    fn logits(&self, x: Tensor<2>) -> Result<Vec<f32>, ModelError> {
        let logits = ops::matmul(self.decoder.norm(x), self.decoder.weights.head());
        logits.try_into_vec_as().map_err(|error| ModelError::Compute(format!("cannot read logits: {error:?}")))
    }
}
