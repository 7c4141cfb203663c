//! Attention over packed segments with the whole score matrix and a mask.

use std::sync::Arc;

use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::super::{
    AttentionRecord,
    layout::{Heads, Segments},
};

/// Queries, keys and values, `[heads, m, dim]`, keys and values repeated for every query head.
struct Split {
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
}

fn split(qkv: Tensor<2>, heads: Heads) -> Split {
    let rows = qkv.dims()[0];
    let part = |first: usize, count: usize| {
        qkv.clone().narrow(1, first * heads.dim, count * heads.dim).reshape([rows, count, heads.dim]).swap_dims(0, 1)
    };
    let repeat = |kv: Tensor<3>| {
        kv.unsqueeze_dim::<4>(1).expand([heads.kv, heads.group(), rows, heads.dim]).reshape([heads.q, rows, heads.dim])
    };
    Split { q: part(0, heads.q), k: repeat(part(heads.q, heads.kv)), v: repeat(part(heads.q + heads.kv, heads.kv)) }
}

/// True where a row (first index) must not see another (second index), `[1, m, m]`.
fn hidden(segments: &Segments, device: &Device) -> Tensor<3, Bool> {
    let rows = segments.rows();
    let mut hidden = vec![true; rows * rows];
    for (start, count) in segments.ranges() {
        for row in start..start + count {
            let line = &mut hidden[row * rows..(row + 1) * rows];
            line[..segments.prompt.min(row + 1)].fill(false);
            line[start..=row].fill(false);
        }
    }
    Tensor::from_data(TensorData::new(hidden, [1, rows, rows]), device)
}

fn scores(split: &Split, heads: Heads, segments: &Segments) -> Tensor<3> {
    let rows = segments.rows();
    let hidden = hidden(segments, &split.q.device()).expand([heads.q, rows, rows]);
    let scores = split.q.clone().matmul(split.k.clone().swap_dims(1, 2)) * heads.scale();
    scores.mask_fill(hidden, -1e30)
}

fn merge(heads: Tensor<3>) -> Tensor<2> {
    let [count, rows, dim] = heads.dims();
    heads.swap_dims(0, 1).reshape([rows, count * dim])
}

/// See [`super::super::attention`].
pub fn attention(qkv: Tensor<2>, heads: Heads, segments: &Arc<Segments>) -> (Tensor<2>, Tensor<2>) {
    let split = split(qkv, heads);
    let scores = scores(&split, heads, segments);
    let largest = scores.clone().max_dim(2);
    let exponentials = (scores - largest.clone()).exp();
    let sums = exponentials.clone().sum_dim(2);
    let log_sums = (sums.clone().log() + largest).squeeze_dim::<2>(2).transpose();
    let out = (exponentials / sums).matmul(split.v);
    (merge(out), log_sums)
}

/// See [`super::super::attention_backward`].
pub fn attention_backward(g: Tensor<2>, record: AttentionRecord, heads: Heads, segments: &Arc<Segments>) -> Tensor<2> {
    let rows = g.dims()[0];
    let by_head = |x: Tensor<2>| x.reshape([rows, heads.q, heads.dim]).swap_dims(0, 1);
    let sum_groups = |x: Tensor<3>| {
        let groups = x.reshape([heads.kv, heads.group(), rows, heads.dim]);
        merge(groups.sum_dim(1).squeeze_dim::<3>(1))
    };
    let split = split(record.qkv, heads);
    let log_sums = record.log_sums.transpose().unsqueeze_dim::<3>(2);
    let probabilities = (scores(&split, heads, segments) - log_sums).exp();
    let (g, out) = (by_head(g), by_head(record.out));
    let v_grad = probabilities.clone().swap_dims(1, 2).matmul(g.clone());
    let mean = (g.clone() * out).sum_dim(2);
    let score_grad = probabilities * (g.matmul(split.v.swap_dims(1, 2)) - mean) * heads.scale();
    let q_grad = score_grad.clone().matmul(split.k);
    let k_grad = score_grad.swap_dims(1, 2).matmul(split.q);
    Tensor::cat(vec![merge(q_grad), sum_groups(k_grad), sum_groups(v_grad)], 1)
}
