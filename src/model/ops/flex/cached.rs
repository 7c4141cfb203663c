//! Attention of single new rows over cached keys and values.
//!
//! A task is one key head with a few rows of the same prompt: every cached row is read once for all their query heads.
//! Each query's arithmetic is the same whichever rows it shares a task with.

use rayon::prelude::*;

use super::{
    super::layout::{CacheRow, Heads},
    attention::softmax_row,
    product::{Left, Matrix, Output, Transposed, product_here},
    simd::Simd,
};

/// Rows of one prompt that share a task.
const SHARE: usize = 4;

/// Copies the new rows' keys and values to their places.
pub fn store(qkv: &[f32], own: &mut [f32], heads: Heads, rows: &[CacheRow]) {
    let width = heads.kv_width();
    for (row, qkv) in rows.iter().zip(qkv.chunks_exact(heads.qkv_width())) {
        let at = (row.own_start + row.own_rows) * width;
        own[at..at + width].copy_from_slice(&qkv[heads.q_width()..]);
    }
}

/// What a task reads.
#[derive(Clone, Copy)]
struct Caches<'a> {
    qkv: &'a [f32],
    prompts: &'a [f32],
    own: &'a [f32],
    heads: Heads,
    rows: &'a [CacheRow],
}

/// Outputs `[rows, group · dim]` of a task and the logarithms of its softmax denominators, `[rows, group]`.
struct Attended {
    out: Vec<f32>,
    log_sums: Vec<f32>,
}

impl<'a> Caches<'a> {
    /// One head's columns of cached rows: `index` counts key heads, then value heads.
    fn head(&self, cache: &'a [f32], start: usize, rows: usize, index: usize) -> Matrix<'a> {
        let (stride, dim) = (self.heads.kv_width(), self.heads.dim);
        Matrix { data: &cache[start * stride + index * dim..], rows, cols: dim, stride }
    }

    fn queries(&self, indices: &[usize], kv: usize) -> Vec<f32> {
        let width = self.heads.group() * self.heads.dim;
        let mut queries = Vec::with_capacity(indices.len() * width);
        for &index in indices {
            queries.extend_from_slice(&self.qkv[index * self.heads.qkv_width() + kv * width..][..width]);
        }
        queries
    }

    /// Some rows of one prompt for one key head.
    fn attend(&self, simd: Simd, indices: &[usize], kv: usize) -> Attended {
        let Heads { dim, .. } = self.heads;
        let (group, value) = (self.heads.group(), self.heads.kv + kv);
        let first = &self.rows[indices[0]];
        let longest = indices.iter().map(|&i| self.rows[i].own_rows + 1).max().unwrap_or(0);
        let (prompt, stride) = (first.prompt_rows, first.prompt_rows + longest);
        let queries = self.queries(indices, kv);
        let all = indices.len() * group;
        let mut weights = vec![0.0; all * stride];
        let left = Left::pack_here(simd, Matrix::new(&queries, all, dim));
        let keys = Transposed(self.head(self.prompts, first.prompt_start, prompt, kv));
        product_here(simd, &left, &keys, prompt, Output::rows(&mut weights, stride, false));
        let mut log_sums = Vec::with_capacity(all);
        let each = || indices.iter().map(|&index| &self.rows[index]).enumerate();
        for (i, row) in each() {
            let queries = &queries[i * group * dim..][..group * dim];
            let lines = &mut weights[i * group * stride..][..group * stride];
            let seen = row.own_rows + 1;
            let left = Left::pack_here(simd, Matrix::new(queries, group, dim));
            let keys = Transposed(self.head(self.own, row.own_start, seen, kv));
            product_here(simd, &left, &keys, seen, Output::rows(&mut lines[prompt..], stride, false));
            let lines = lines.chunks_exact_mut(stride);
            log_sums.extend(lines.map(|line| softmax_row(line, prompt + seen, self.heads.scale())));
        }
        let mut out = vec![0.0; all * dim];
        let left = Left::pack_here(simd, Matrix { data: &weights, rows: all, cols: prompt, stride });
        let values = self.head(self.prompts, first.prompt_start, prompt, value);
        product_here(simd, &left, &values, dim, Output::new(&mut out, dim));
        for (i, row) in each() {
            let (data, seen) = (&weights[i * group * stride + prompt..], row.own_rows + 1);
            let left = Left::pack_here(simd, Matrix { data, rows: group, cols: seen, stride });
            let values = self.head(self.own, row.own_start, seen, value);
            let out = Output::rows(&mut out[i * group * dim..], dim, true);
            product_here(simd, &left, &values, dim, out);
        }
        Attended { out, log_sums }
    }
}

/// Row indices by prompt, at most [`SHARE`] together.
fn shares(rows: &[CacheRow]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&index| (rows[index].prompt_start, index));
    let same = order.chunk_by(|&a, &b| rows[a].prompt_start == rows[b].prompt_start);
    same.flat_map(|indices| indices.chunks(SHARE).map(<[usize]>::to_vec)).collect()
}

/// See [`super::super::cached_attention`]; the new rows are in `own` already. Returns outputs and log sums.
pub fn attend(qkv: &[f32], prompts: &[f32], own: &[f32], heads: Heads, rows: &[CacheRow]) -> (Vec<f32>, Vec<f32>) {
    let (caches, simd) = (Caches { qkv, prompts, own, heads, rows }, Simd::widest());
    let tasks: Vec<(Vec<usize>, usize)> =
        shares(rows).into_iter().flat_map(|share| (0..heads.kv).map(move |kv| (share.clone(), kv))).collect();
    let done: Vec<Attended> = tasks.par_iter().map(|(indices, kv)| caches.attend(simd, indices, *kv)).collect();
    let (group, width) = (heads.group(), heads.group() * heads.dim);
    let (mut out, mut log_sums) = (vec![0.0; rows.len() * heads.q_width()], vec![0.0; rows.len() * heads.q]);
    for ((indices, kv), part) in tasks.iter().zip(done) {
        let parts = part.out.chunks_exact(width).zip(part.log_sums.chunks_exact(group));
        for (&index, (part, sums)) in indices.iter().zip(parts) {
            out[index * heads.q_width() + kv * width..][..width].copy_from_slice(part);
            log_sums[index * heads.q + kv * group..][..group].copy_from_slice(sums);
        }
    }
    (out, log_sums)
}
