//! Attention of single new rows over cached keys and values.
//!
//! A task is one key head with a few rows of the same prompt: every cached row is read once for all their query heads.
//! Each query's arithmetic is the same whichever rows it shares a task with.

use rayon::prelude::*;

use super::{
    super::layout::{CacheRow, Heads},
    dot::{dot, largest},
    simd::{exp, vectorized},
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

/// Cached rows, `stride` apart, of which one head's columns begin at `column`.
#[derive(Clone, Copy)]
struct CachedHead<'a> {
    rows: &'a [f32],
    stride: usize,
    column: usize,
    dim: usize,
}

impl<'a> CachedHead<'a> {
    #[inline(always)]
    fn row(&self, index: usize) -> &'a [f32] {
        &self.rows[index * self.stride + self.column..][..self.dim]
    }

    fn count(&self) -> usize {
        self.rows.len() / self.stride
    }
}

vectorized! {
    /// `weights` `[queries, stride]`: products of all queries with all keys, from column `first` on.
    fn score(weights: &mut [f32], stride: usize, first: usize, queries: &[f32], keys: CachedHead<'_>) {
        for index in 0..keys.count() {
            let key = keys.row(index);
            let lines = weights.chunks_exact_mut(stride).zip(queries.chunks_exact(keys.dim));
            for (line, query) in lines {
                line[first + index] = dot(query, key);
            }
        }
    }
}

vectorized! {
    /// Softmax of scaled scores.
    fn softmax(weights: &mut [f32], scale: f32) {
        let top = largest(weights);
        let mut total = 0.0;
        for weight in &mut *weights {
            *weight = exp((*weight - top) * scale);
        }
        for weight in &*weights {
            total += weight;
        }
        let inverse = 1.0 / total;
        for weight in weights {
            *weight *= inverse;
        }
    }
}

vectorized! {
    /// Adds the values by their weights to the outputs `[queries, dim]`, four at a time to spare the outputs' traffic.
    fn gather(out: &mut [f32], weights: &[f32], stride: usize, first: usize, values: CachedHead<'_>) {
        let (count, dim) = (values.count(), values.dim);
        for start in (0..count - count % 4).step_by(4) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| values.row(start + i));
            for (out, line) in out.chunks_exact_mut(dim).zip(weights.chunks_exact(stride)) {
                let w = &line[first + start..][..4];
                for j in 0..dim {
                    out[j] = out[j] + w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j];
                }
            }
        }
        for index in count - count % 4..count {
            let value = values.row(index);
            for (out, line) in out.chunks_exact_mut(dim).zip(weights.chunks_exact(stride)) {
                for j in 0..dim {
                    out[j] += line[first + index] * value[j];
                }
            }
        }
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

impl<'a> Caches<'a> {
    fn head(&self, cache: &'a [f32], start: usize, rows: usize, index: usize) -> CachedHead<'a> {
        let stride = self.heads.kv_width();
        let rows = &cache[start * stride..][..rows * stride];
        CachedHead { rows, stride, column: index * self.heads.dim, dim: self.heads.dim }
    }

    /// Keys and values of a row's own range for one key head.
    fn own(&self, row: &CacheRow, kv: usize) -> [CachedHead<'a>; 2] {
        [kv, self.heads.kv + kv].map(|index| self.head(self.own, row.own_start, row.own_rows + 1, index))
    }

    /// Outputs `[rows, group · dim]` of some rows of one prompt for one key head.
    fn attend(&self, indices: &[usize], kv: usize) -> Vec<f32> {
        let Heads { dim, .. } = self.heads;
        let width = self.heads.group() * dim;
        let mut queries = Vec::with_capacity(indices.len() * width);
        for &index in indices {
            queries.extend_from_slice(&self.qkv[index * self.heads.qkv_width() + kv * width..][..width]);
        }
        let (first, group) = (&self.rows[indices[0]], self.heads.group());
        let longest = indices.iter().map(|&i| self.rows[i].own_rows + 1).max().unwrap_or(0);
        let stride = first.prompt_rows + longest;
        let mut weights = vec![0.0; indices.len() * group * stride];
        let mut out = vec![0.0; queries.len()];
        let prompt = |index| self.head(self.prompts, first.prompt_start, first.prompt_rows, index);
        score(&mut weights, stride, 0, &queries, prompt(kv));
        let each = || indices.iter().map(|&index| &self.rows[index]).enumerate();
        for (i, row) in each() {
            let lines = &mut weights[i * group * stride..][..group * stride];
            score(lines, stride, row.prompt_rows, &queries[i * width..][..width], self.own(row, kv)[0]);
            for line in lines.chunks_exact_mut(stride) {
                softmax(&mut line[..=row.prompt_rows + row.own_rows], self.heads.scale());
            }
        }
        gather(&mut out, &weights, stride, 0, prompt(self.heads.kv + kv));
        for (i, row) in each() {
            let lines = &weights[i * group * stride..][..group * stride];
            gather(&mut out[i * width..][..width], lines, stride, row.prompt_rows, self.own(row, kv)[1]);
        }
        out
    }
}

/// Row indices by prompt, at most [`SHARE`] together.
fn shares(rows: &[CacheRow]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&index| (rows[index].prompt_start, index));
    let same = order.chunk_by(|&a, &b| rows[a].prompt_start == rows[b].prompt_start);
    same.flat_map(|indices| indices.chunks(SHARE).map(<[usize]>::to_vec)).collect()
}

/// See [`super::super::cached_attention`]; the new rows are in `own` already.
pub fn attend(qkv: &[f32], prompts: &[f32], own: &[f32], heads: Heads, rows: &[CacheRow]) -> Vec<f32> {
    let caches = Caches { qkv, prompts, own, heads, rows };
    let tasks: Vec<(Vec<usize>, usize)> =
        shares(rows).into_iter().flat_map(|share| (0..heads.kv).map(move |kv| (share.clone(), kv))).collect();
    let done: Vec<Vec<f32>> = tasks.par_iter().map(|(indices, kv)| caches.attend(indices, *kv)).collect();
    let width = heads.group() * heads.dim;
    let mut out = vec![0.0; rows.len() * heads.q_width()];
    for ((indices, kv), part) in tasks.iter().zip(done) {
        for (&index, part) in indices.iter().zip(part.chunks_exact(width)) {
            out[index * heads.q_width() + kv * width..][..width].copy_from_slice(part);
        }
    }
    out
}
