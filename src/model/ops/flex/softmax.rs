//! Softmax of one row of logits on the host, for sampling.

use super::{
    dot::{largest, sum},
    simd::{exp, vectorized},
};

vectorized! {
    fn fill(weights: &mut [f32], logits: &[f32], inverse: f32, top: f32) -> f32 {
        let mut lanes = [0.0_f32; 16];
        let (chunks, rest) = logits.as_chunks::<16>();
        let (outs, out_rest) = weights.as_chunks_mut::<16>();
        for (chunk, out) in chunks.iter().zip(outs) {
            for j in 0..16 {
                out[j] = exp((chunk[j] - top) * inverse);
                lanes[j] += out[j];
            }
        }
        for ((logit, out), lane) in rest.iter().zip(out_rest).zip(&mut lanes) {
            *out = exp((logit - top) * inverse);
            *lane += *out;
        }
        sum(lanes)
    }
}

/// Fills `weights` with exp((logit − largest) · `inverse`) and returns log Σ exp(logit · `inverse`); `inverse` ≥ 0.
pub fn exponentials(logits: &[f32], inverse: f32, weights: &mut Vec<f32>) -> f32 {
    weights.resize(logits.len(), 0.0);
    let top = largest(logits);
    fill(weights, logits, inverse, top).ln() + top * inverse
}

/// log Σ exp(logit · `inverse`).
pub fn log_sum(logits: &[f32], inverse: f32) -> f32 {
    exponentials(logits, inverse, &mut Vec::new())
}
