//! Log-softmax over the vocabulary.

use std::sync::Arc;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use super::super::HeadToken;

/// See [`super::super::logit_statistics`].
pub fn logit_statistics(logits: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let largest = logits.clone().max_dim(1);
    let shifted = logits - largest.clone();
    let exponentials = shifted.clone().exp();
    let sums = exponentials.clone().sum_dim(1);
    let mean = (exponentials * shifted).sum_dim(1) / sums.clone();
    let log_sums = sums.log();
    (log_sums.clone() + largest, log_sums - mean)
}

/// See [`super::super::logits_backward`].
pub fn logits_backward(
    logits: Tensor<2>,
    log_sums: Tensor<2>,
    tokens: &Arc<Vec<HeadToken>>,
    grads: &Arc<Vec<f32>>,
) -> Tensor<2> {
    let ([rows, vocabulary], device) = (logits.dims(), logits.device());
    let mut row_sums = vec![0.0_f32; rows];
    for (token, grad) in tokens.iter().zip(grads.iter()) {
        row_sums[token.row] += grad;
    }
    let row_sums = Tensor::<2>::from_data(TensorData::new(row_sums, [rows, 1]), &device);
    let spread = (logits - log_sums).exp() * row_sums.neg();
    let places: Vec<i64> = tokens.iter().map(|t| (t.row * vocabulary + t.id) as i64).collect();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [tokens.len()]), &device);
    let grads = Tensor::<1>::from_data(TensorData::new(grads.to_vec(), [tokens.len()]), &device);
    let flat = spread.reshape([rows * vocabulary]).select_assign(0, places, grads, IndexingUpdateOp::Add);
    flat.reshape([rows, vocabulary])
}
