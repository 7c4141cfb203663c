//! Log-softmax over the vocabulary, without a second copy of the logits.

use rayon::prelude::*;

use super::{
    super::HeadToken,
    dot::{largest, sum},
    simd::{exp, vectorized},
};

vectorized! {
    /// log Σ exp and entropy of one row.
    pub fn row_statistics(logits: &[f32]) -> (f32, f32) {
        let top = largest(logits);
        let (mut sums, mut means) = ([0.0_f32; 16], [0.0_f32; 16]);
        let (chunks, rest) = logits.as_chunks::<16>();
        for chunk in chunks {
            for j in 0..16 {
                let shifted = chunk[j] - top;
                let e = exp(shifted);
                sums[j] += e;
                means[j] += e * shifted;
            }
        }
        for (j, logit) in rest.iter().enumerate() {
            let e = exp(logit - top);
            sums[j] += e;
            means[j] += e * (logit - top);
        }
        let total = sum(sums);
        (total.ln() + top, total.ln() - sum(means) / total)
    }
}

/// See [`super::super::logit_statistics`].
pub fn statistics(logits: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    logits.par_chunks_exact(width).map(row_statistics).unzip()
}

vectorized! {
    fn spread(logits: &mut [f32], log_sum: f32, weight: f32) {
        for logit in logits {
            *logit = exp(*logit - log_sum) * weight;
        }
    }
}

/// See [`super::super::logits_backward`]; the logits become their gradient.
pub fn backward(logits: &mut [f32], width: usize, log_sums: &[f32], tokens: &[HeadToken], grads: &[f32]) {
    let mut weights = vec![0.0; log_sums.len()];
    for (token, grad) in tokens.iter().zip(grads) {
        weights[token.row] -= grad;
    }
    logits
        .par_chunks_exact_mut(width)
        .zip(log_sums.par_iter().zip(&weights))
        .for_each(|(row, (&log_sum, &weight))| spread(row, log_sum, weight));
    for (token, grad) in tokens.iter().zip(grads) {
        logits[token.row * width + token.id] += grad;
    }
}
