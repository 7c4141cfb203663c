//! Speed of generation: one prompt, a batch of samples of it, no adapter.

use std::{ops::ControlFlow, time::Instant};

use serde::Serialize;

use super::{
    BenchError,
    machine::{Place, PlaceReport, Products, matmul_peak},
};
use crate::model::{GenerateRequest, Model, Sampling};

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodePlan {
    /// Samples written at a time.
    pub batch: usize,
    /// Tokens of the prompt, which all samples share.
    pub prompt_tokens: usize,
    /// Tokens of each sample.
    pub new_tokens: usize,
}

/// What was measured. Speeds are tokens a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecodeReport {
    /// This program.
    pub peer: &'static str,
    /// The model.
    pub model: String,
    /// Where it was measured, and with what.
    #[serde(flatten)]
    pub place: PlaceReport,
    /// Samples written at a time.
    pub batch: usize,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of each sample.
    pub new_tokens: usize,
    /// Threads that computed.
    pub threads: usize,
    /// Tokens read a second, up to the first token drawn.
    pub prefill_tok_s: f64,
    /// Tokens written a second behind the first, summed over the batch.
    pub decode_tok_s: f64,
    /// All tokens, read and written, over all of the time.
    pub tok_s: f64,
    /// Flop/s of large float32 products on this machine, in units of 10⁹.
    pub matmul_gflops: f64,
    /// Share of that which reading reached.
    pub prefill_peak_fraction: f64,
    /// Share of that which writing reached.
    pub decode_peak_fraction: f64,
    /// The most memory held, in MiB.
    pub peak_mb: Option<f64>,
}

/// Generates twice and tells of the second time; the first warms up.
///
/// # Errors
/// Sizes of nothing, or the model fails.
pub fn decode(model: &Model, plan: DecodePlan, place: &Place) -> Result<DecodeReport, BenchError> {
    let DecodePlan { batch, prompt_tokens, new_tokens } = plan;
    if batch == 0 || prompt_tokens == 0 || new_tokens < 2 {
        return Err(BenchError::Usage("a batch, a prompt and two new tokens at least are needed".into()));
    }
    timed(model, plan)?;
    let (prefill, decode) = timed(model, plan)?;
    let peak = matmul_peak(&model.decoder().device(), model.weights.activations);
    let products = Products::of(&model.weights);
    let written = batch * (new_tokens - 1);
    Ok(DecodeReport {
        peer: env!("CARGO_PKG_NAME"),
        model: model.summary().name,
        place: place.report(),
        batch,
        prompt_tokens,
        new_tokens,
        threads: rayon::current_num_threads(),
        prefill_tok_s: prompt_tokens as f64 / prefill,
        decode_tok_s: written as f64 / decode,
        tok_s: (prompt_tokens + batch * new_tokens) as f64 / (prefill + decode),
        matmul_gflops: peak / 1e9,
        prefill_peak_fraction: products.flops(prompt_tokens, 1) / prefill / peak,
        decode_peak_fraction: products.flops(written, written) / decode / peak,
        peak_mb: place.meter.peak().map(|bytes| bytes as f64 / 1_048_576.0),
    })
}

/// Seconds up to the first token of each sample, and from there to the end.
fn timed(model: &Model, plan: DecodePlan) -> Result<(f64, f64), BenchError> {
    let vocabulary = model.config.vocab_size.max(1);
    // Ids spread over the vocabulary, as the peer's script takes them.
    let prompt = (0..plan.prompt_tokens).map(|i| ((i * 7919 % 40_000 + 100) % vocabulary) as u32).collect();
    let request = GenerateRequest { prompt, seeds: (0..plan.batch as u64).collect(), ..GenerateRequest::default() };
    let sampling = Sampling { temperature: 0.8, max_new_tokens: plan.new_tokens, ..Sampling::default() };
    let started = Instant::now();
    let mut first = None;
    model.generate(None, &[request], &sampling, &mut |_, _| {
        first.get_or_insert_with(|| started.elapsed());
        ControlFlow::Continue(())
    })?;
    let (all, first) = (started.elapsed(), first.unwrap_or_default());
    Ok((first.as_secs_f64(), all.saturating_sub(first).as_secs_f64()))
}
