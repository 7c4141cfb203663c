//! Tokens in, logits out: a decoder with the keys and values of what it has read.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::cache::{Cache, CacheShape};
use crate::model::{
    AdapterSet, Decoder, ModelError, RecordedRows,
    ops::{self, layout::Segments},
};

/// A decoder with its cache.
pub struct Stream<'a> {
    decoder: Decoder<'a>,
    adapters: Option<&'a AdapterSet>,
    cache: Cache,
    records: bool,
}

/// What reading tokens gives.
pub struct Read {
    /// Logits behind the tokens, row by row.
    pub logits: Vec<f32>,
    /// What the layers made of them, if the stream records it.
    pub recorded: Option<RecordedRows>,
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
        Self { cache: Cache::new(&decoder, shape), decoder, adapters, records: false }
    }

    /// Keeps what the layers make of every row from now on, for a backward pass.
    pub fn record(&mut self) {
        self.records = true;
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
    pub fn prefill(&mut self, region: usize, prompt: &[u32]) -> Result<Read, ModelError> {
        let segments = Arc::new(Segments { prompt: prompt.len(), completions: vec![] });
        let rotation = self.decoder.rotation(&segments.positions())?;
        let mut x = self.decoder.embed(prompt);
        let (layers, mut records) = (self.decoder.weights.layers.len(), Vec::new());
        for index in 0..layers {
            let layer = self.decoder.layer(index, self.adapters, &rotation);
            let projected = layer.qkv(x.clone());
            let qkv = &projected.rotated;
            self.cache.store_prompt(index, region, qkv, &self.decoder);
            let (mut out, log_sums) = ops::attention(qkv.clone(), layer.heads, &segments);
            if index + 1 == layers && !self.records {
                // Nobody reads the other rows of the last layer.
                out = out.narrow(0, prompt.len() - 1, 1);
                x = x.narrow(0, prompt.len() - 1, 1);
            }
            let (y, record) = layer.finish(x, projected, (out, log_sums));
            x = y;
            if self.records {
                records.push(record);
            }
        }
        let last = x.dims()[0] - 1;
        let logits = self.logits(x.clone().narrow(0, last, 1))?;
        Ok(Read { logits, recorded: self.records.then_some(RecordedRows { layers: records, last: x }) })
    }

    /// Feeds one token of each sequence; the logits behind them, row by row.
    ///
    /// # Errors
    /// The logits cannot be read.
    pub fn advance(&mut self, newest: &[Newest]) -> Result<Read, ModelError> {
        let ids: Vec<u32> = newest.iter().map(|n| n.token).collect();
        let positions: Vec<usize> = newest.iter().map(|n| n.prompt + n.own).collect();
        let rows = newest.iter().map(|n| self.cache.row(n.region, n.prompt, n.slot, n.own));
        let rows = Arc::new(rows.collect::<Vec<_>>());
        let rotation = self.decoder.rotation(&positions)?;
        let (mut x, mut records) = (self.decoder.embed(&ids), Vec::new());
        for index in 0..self.decoder.weights.layers.len() {
            let layer = self.decoder.layer(index, self.adapters, &rotation);
            let projected = layer.qkv(x.clone());
            let (out, log_sums) = self.cache.attend(index, projected.rotated.clone(), &rows, &self.decoder);
            let (y, record) = layer.finish(x, projected, (out, log_sums));
            x = y;
            if self.records {
                records.push(record);
            }
        }
        let logits = self.logits(x.clone())?;
        Ok(Read { logits, recorded: self.records.then_some(RecordedRows { layers: records, last: x }) })
    }

    fn logits(&self, x: Tensor<2>) -> Result<Vec<f32>, ModelError> {
        let logits = ops::matmul_wide(self.decoder.norm(x), self.decoder.weights.head());
        logits.try_into_vec_as().map_err(|error| ModelError::Compute(format!("cannot read logits: {error:?}")))
    }
}
