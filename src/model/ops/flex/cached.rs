//! Attention of single new rows over cached keys and values: one task per row and key head.

use rayon::prelude::*;

use super::{
    super::layout::{CacheRow, Heads},
    dot::{add_scaled, dot, largest},
    simd::{exp, vectorized},
};

/// Copies the new rows' keys and values to their places.
pub fn store(qkv: &[f32], own: &mut [f32], heads: Heads, rows: &[CacheRow]) {
    let width = heads.kv_width();
    for (row, qkv) in rows.iter().zip(qkv.chunks_exact(heads.qkv_width())) {
        let at = (row.own_start + row.own_rows) * width;
        own[at..at + width].copy_from_slice(&qkv[heads.q_width()..]);
    }
}

vectorized! {
    /// The query heads of one key head over the rows of two caches.
    fn attend_group(out: &mut [f32], q: &[f32], prompt: &[f32], own: &[f32], heads: Heads, kv: usize) {
        let (dim, width) = (heads.dim, heads.kv_width());
        let (key, value) = (kv * dim, (heads.kv + kv) * dim);
        let count = (prompt.len() + own.len()) / width;
        let mut weights = vec![0.0_f32; count];
        for (out, q) in out.chunks_exact_mut(dim).zip(q.chunks_exact(dim)) {
            let seen = prompt.chunks_exact(width).chain(own.chunks_exact(width));
            for (weight, row) in weights.iter_mut().zip(seen) {
                *weight = dot(q, &row[key..key + dim]) * heads.scale();
            }
            let top = largest(&weights);
            let mut total = 0.0;
            for weight in &mut weights {
                *weight = exp(*weight - top);
                total += *weight;
            }
            let seen = prompt.chunks_exact(width).chain(own.chunks_exact(width));
            for (weight, row) in weights.iter().zip(seen) {
                add_scaled(out, weight / total, &row[value..value + dim]);
            }
        }
    }
}

/// See [`super::super::cached_attention`]; the new rows are in `own` already.
pub fn attend(qkv: &[f32], prompts: &[f32], own: &[f32], heads: Heads, rows: &[CacheRow]) -> Vec<f32> {
    let width = heads.kv_width();
    let group = heads.group() * heads.dim;
    let mut out = vec![0.0; rows.len() * heads.q_width()];
    out.par_chunks_exact_mut(group).enumerate().for_each(|(task, out)| {
        let (index, kv) = (task / heads.kv, task % heads.kv);
        let row = &rows[index];
        let q = &qkv[index * heads.qkv_width() + kv * group..][..group];
        let prompt = &prompts[row.prompt_start * width..][..row.prompt_rows * width];
        let own = &own[row.own_start * width..][..(row.own_rows + 1) * width];
        attend_group(out, q, prompt, own, heads, kv);
    });
    out
}
