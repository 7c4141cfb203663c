//! The language-model head over a packed group: log-probabilities, entropies and their gradient, chunk by chunk of rows.
//!
//! Only rows whose next token is a completion token are evaluated: the prompt's last row, once for all completions, and
//! the completions' rows. Logits are divided by the temperature by dividing the hidden rows, where those are float32.

use std::{ops::Range, sync::Arc};

use burn::tensor::{DType, Int, Tensor, TensorData};

use super::group::{EntropyRow, HeadPlan, TokenScores};
use crate::model::{
    ModelError,
    ops::{self, HeadToken},
    packed::PackedMatrix,
};

/// The head and how to evaluate it.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// `[vocabulary, hidden]`.
    pub matrix: &'a PackedMatrix,
    /// Divisor of the logits.
    pub temperature: f32,
    /// Rows whose logits exist at a time.
    pub chunk: usize,
}

impl Head<'_> {
    /// Logits over temperature, `[rows, vocabulary]`.
    fn logits(&self, hidden: &Tensor<2>, rows: &Range<usize>) -> Tensor<2> {
        let hidden = hidden.clone().narrow(0, rows.start, rows.len());
        match hidden.dtype() {
            DType::F32 => ops::matmul_wide(hidden / self.temperature, self.matrix),
            // A quotient of 16 bits would be rounded.
            _ => ops::matmul_wide(hidden, self.matrix) / self.temperature,
        }
    }

    fn chunks(&self, rows: usize) -> Vec<Range<usize>> {
        let chunk = self.chunk.max(1);
        (0..rows).step_by(chunk).map(|start| start..(start + chunk).min(rows)).collect()
    }

    /// Scores of all tokens of the plan, from the normed hidden rows `[plan.rows, hidden]`.
    pub fn scores(&self, hidden: &Tensor<2>, plan: &HeadPlan) -> Result<(TokenScores, Tensor<2>), ModelError> {
        let (mut logprobs, mut entropies, mut log_sums) = (Vec::new(), Vec::new(), Vec::new());
        for rows in self.chunks(plan.rows) {
            let logits = self.logits(hidden, &rows);
            let tokens = plan.tokens_of(&rows);
            let places = places(&tokens, logits.dims()[1], &logits);
            let (sums, entropy) = ops::logit_statistics(logits.clone());
            let [count, vocabulary] = logits.dims();
            let token_rows = row_indices(&tokens, &logits);
            let chosen = logits.reshape([count * vocabulary]).select(0, places);
            logprobs.push(chosen - sums.clone().reshape([count]).select(0, token_rows.clone()));
            entropies.push(entropy.reshape([count]).select(0, token_rows));
            log_sums.push(sums);
        }
        let read = |parts: Vec<Tensor<1>>| -> Result<Vec<f32>, ModelError> {
            if parts.is_empty() {
                return Ok(Vec::new());
            }
            let values = Tensor::cat(parts, 0).try_into_vec_as();
            values.map_err(|error| ModelError::Compute(format!("cannot read the head's scores: {error:?}")))
        };
        let scores = TokenScores { logprobs: plan.unpack(&read(logprobs)?), entropies: plan.unpack(&read(entropies)?) };
        Ok((scores, Tensor::cat(log_sums, 0)))
    }

    /// The gradient of the hidden rows, from that of each token's log-probability (in the plan's order) and, where there are such, of
    /// each row's entropy.
    pub fn backward(
        &self,
        hidden: &Tensor<2>,
        log_sums: &Tensor<2>,
        plan: &HeadPlan,
        (grads, entropies): (&[f32], &[EntropyRow]),
    ) -> Tensor<2> {
        let mut parts = Vec::new();
        let mut next = 0;
        for rows in self.chunks(plan.rows) {
            let tokens = plan.tokens_of(&rows);
            let chunk_grads = Arc::new(grads[next..next + tokens.len()].to_vec());
            next += tokens.len();
            let log_sums = log_sums.clone().narrow(0, rows.start, rows.len());
            let logits = self.logits(hidden, &rows);
            let through_entropy = entropies
                .get(rows.clone())
                .filter(|rows| !rows.is_empty())
                .map(|rows| entropy_backward(&logits, &log_sums, rows));
            let logit_grads = ops::logits_backward(logits, log_sums, &Arc::new(tokens), &chunk_grads);
            let logit_grads = match through_entropy {
                Some(more) => logit_grads + more,
                None => logit_grads,
            };
            parts.push(ops::matmul_transposed(logit_grads.cast(hidden.dtype()), self.matrix) / self.temperature);
        }
        Tensor::cat(parts, 0)
    }
}

/// The gradient of logits through the entropy of their rows: dH/dlogit = -p (log p + H).
fn entropy_backward(logits: &Tensor<2>, log_sums: &Tensor<2>, rows: &[EntropyRow]) -> Tensor<2> {
    let column = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [rows.len(), 1]), &logits.device());
    let entropies: Tensor<2> = column(rows.iter().map(|row| row.entropy).collect());
    let grads: Tensor<2> = column(rows.iter().map(|row| -row.grad).collect());
    let log_probabilities = logits.clone() - log_sums.clone();
    log_probabilities.clone().exp() * (log_probabilities + entropies) * grads
}

/// Positions of the tokens' logits in the flattened chunk.
fn places(tokens: &[HeadToken], vocabulary: usize, like: &Tensor<2>) -> Tensor<1, Int> {
    let places: Vec<i64> = tokens.iter().map(|t| (t.row * vocabulary + t.id) as i64).collect();
    Tensor::from_data(TensorData::new(places, [tokens.len()]), &like.device())
}

fn row_indices(tokens: &[HeadToken], like: &Tensor<2>) -> Tensor<1, Int> {
    let rows: Vec<i64> = tokens.iter().map(|t| t.row as i64).collect();
    Tensor::from_data(TensorData::new(rows, [tokens.len()]), &like.device())
}
