//! Attention of single new rows over cached keys and values.

use std::sync::Arc;

use burn::tensor::{Tensor, activation::softmax};

use super::super::layout::{CacheRow, Heads};

/// See [`super::super::cached_attention`].
pub fn cached_attention(
    qkv: Tensor<2>,
    prompts: &Tensor<2>,
    mut own: Tensor<2>,
    heads: Heads,
    rows: &Arc<Vec<CacheRow>>,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let (mut outputs, mut log_sums) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for (index, row) in rows.iter().enumerate() {
        let new = qkv.clone().narrow(0, index, 1);
        let at = row.own_start + row.own_rows;
        own = own.slice_assign([at..=at], new.clone().narrow(1, heads.q_width(), heads.kv_width()));
        let prompt = prompts.clone().narrow(0, row.prompt_start, row.prompt_rows);
        let seen = Tensor::cat(vec![prompt, own.clone().narrow(0, row.own_start, row.own_rows + 1)], 0);
        let (output, log_sum) = attend(new.narrow(1, 0, heads.q_width()), seen, heads);
        outputs.push(output);
        log_sums.push(log_sum);
    }
    (Tensor::cat(outputs, 0), Tensor::cat(log_sums, 0), own)
}

/// One query row `[1, q_width]` over key/value rows `[n, kv_width]`: outputs, and log sums `[1, q heads]`.
fn attend(q: Tensor<2>, seen: Tensor<2>, heads: Heads) -> (Tensor<2>, Tensor<2>) {
    let count = seen.dims()[0];
    let width = heads.kv * heads.dim;
    let part =
        |first: usize| seen.clone().narrow(1, first, width).reshape([count, heads.kv, heads.dim]).swap_dims(0, 1);
    let q = q.reshape([heads.kv, heads.group(), heads.dim]);
    let scores = q.matmul(part(0).swap_dims(1, 2)) * heads.scale();
    let top = scores.clone().max_dim(2);
    let log_sums = (scores.clone() - top.clone()).exp().sum_dim(2).log() + top;
    let out = softmax(scores, 2).matmul(part(width)).reshape([1, heads.q_width()]);
    (out, log_sums.reshape([1, heads.q]))
}
