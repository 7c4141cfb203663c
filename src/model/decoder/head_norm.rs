//! Normalization of q and k heads, each by itself, between projection and rotation (Qwen3).
//!
//! The heads are rows of their own for this, so that the layers' `RMSNorm` serves, kernel and backward pass included.

use burn::tensor::Tensor;

use crate::model::{
    ops::{self, layout::Heads},
    weights::QueryKeyNorm,
};

/// Stacked q/k/v rows `[m, qkv_width]` with normalized q and k heads.
pub fn forward(qkv: &Tensor<2>, norm: &QueryKeyNorm, heads: Heads, eps: f32) -> Tensor<2> {
    let [q, k, v] = parts(qkv, heads);
    let q = joined(ops::rms_norm(split(q, heads), &norm.query, eps), heads.q);
    let k = joined(ops::rms_norm(split(k, heads), &norm.key, eps), heads.kv);
    Tensor::cat(vec![q, k, v], 1)
}

/// The gradient of [`forward`]'s input `qkv`, from its output's.
pub fn backward(g: &Tensor<2>, qkv: &Tensor<2>, norm: &QueryKeyNorm, heads: Heads, eps: f32) -> Tensor<2> {
    let ([g_q, g_k, g_v], [q, k, _]) = (parts(g, heads), parts(qkv, heads));
    let g_q = ops::rms_norm_backward(split(g_q, heads), split(q, heads), &norm.query, eps);
    let g_k = ops::rms_norm_backward(split(g_k, heads), split(k, heads), &norm.key, eps);
    Tensor::cat(vec![joined(g_q, heads.q), joined(g_k, heads.kv), g_v], 1)
}

/// The columns of q, of k and of v.
fn parts(qkv: &Tensor<2>, heads: Heads) -> [Tensor<2>; 3] {
    let (q, kv) = (heads.q_width(), heads.kv * heads.dim);
    [(0, q), (q, kv), (q + kv, kv)].map(|(start, width)| qkv.clone().narrow(1, start, width))
}

/// Each head as a row.
fn split(rows: Tensor<2>, heads: Heads) -> Tensor<2> {
    let [m, width] = rows.dims();
    rows.reshape([m * width / heads.dim, heads.dim])
}

/// `count` heads in a row again.
fn joined(heads: Tensor<2>, count: usize) -> Tensor<2> {
    let [rows, dim] = heads.dims();
    heads.reshape([rows / count, count * dim])
}
