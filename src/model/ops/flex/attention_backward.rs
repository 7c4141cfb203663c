//! The backward pass of attention: a task is a tile of rows with one key head; it computes its probabilities anew.

use rayon::prelude::*;

use super::{
    super::layout::{Heads, Segments},
    attention::{Sequence, Tile, across, stacked, tasks, tiles},
    dot::dot,
    product::{Left, Matrix, Output, product_here},
    simd::{Simd, exp, vectorized},
};

/// What the backward pass reads.
#[derive(Debug, Clone, Copy)]
pub struct Saved<'a> {
    /// Gradient of the heads' outputs, `[m, q_width]`.
    pub g: &'a [f32],
    /// Rotated q/k/v rows, `[m, qkv_width]`.
    pub qkv: &'a [f32],
    /// Heads' outputs, `[m, q_width]`.
    pub out: &'a [f32],
    /// Logarithms of the softmax denominators, `[m, q heads]`.
    pub log_sums: &'a [f32],
}

/// A tile's share of the gradients for one key head.
struct TileGrads {
    /// Of its queries, `[group · rows, dim]`.
    q: Vec<f32>,
    /// Of the keys that it sees, `[width, dim]`.
    k: Vec<f32>,
    /// Of the values that it sees, `[width, dim]`.
    v: Vec<f32>,
}

vectorized! {
    /// Scores to probabilities, zero where hidden.
    fn probabilities_row(scores: &mut [f32], seen: usize, scale: f32, log_sum: f32) {
        let (visible, rest) = scores.split_at_mut(seen);
        rest.fill(0.0);
        for score in visible {
            *score = exp(*score * scale - log_sum);
        }
    }
}

vectorized! {
    /// Gradients of the probabilities to those of the unscaled scores; the softmax's mean is taken off.
    fn score_grads_row(grads: &mut [f32], probabilities: &[f32], mean: f32, scale: f32) {
        for (grad, probability) in grads.iter_mut().zip(probabilities) {
            *grad = (*grad - mean) * probability * scale;
        }
    }
}

vectorized! {
    fn vectorized_dot(a: &[f32], b: &[f32]) -> f32 {
        dot(a, b)
    }
}

fn tile_grads(simd: Simd, tile: &Tile, saved: &Saved<'_>, heads: Heads, kv: usize) -> TileGrads {
    let (dim, width, group) = (heads.dim, tile.width(), heads.group());
    let all = group * tile.rows;
    let sequence = Sequence { qkv: saved.qkv, heads };
    let queries = sequence.queries(tile, kv);
    let [g, out] = [saved.g, saved.out].map(|data| stacked(data, heads.q_width(), tile, kv, heads));
    let (mut weights, mut score_grads) = (vec![0.0; all * width], vec![0.0; all * width]);
    let left = Left::pack_here(simd, Matrix::new(&queries, all, dim));
    across(simd, &left, tile, |part| sequence.keys(kv, part), &mut weights);
    let left = Left::pack_here(simd, Matrix::new(&g, all, dim));
    across(simd, &left, tile, |part| sequence.values(kv, part), &mut score_grads);
    let lines = weights.chunks_exact_mut(width).zip(score_grads.chunks_exact_mut(width));
    for (i, (weights, score_grads)) in lines.enumerate() {
        let (row, head) = (i % tile.rows, kv * group + i / tile.rows);
        let log_sum = saved.log_sums[(tile.first + row) * heads.q + head];
        probabilities_row(weights, tile.seen(row), heads.scale(), log_sum);
        let columns = i * dim..(i + 1) * dim;
        let mean = vectorized_dot(&g[columns.clone()], &out[columns]);
        score_grads_row(score_grads, weights, mean, heads.scale());
    }
    let mut grads = TileGrads { q: vec![0.0; all * dim], k: vec![0.0; width * dim], v: vec![0.0; width * dim] };
    for part in tile.parts() {
        let score_grads = Matrix { data: &score_grads[part.column..], rows: all, cols: part.count, stride: width };
        let output = Output::rows(&mut grads.q, dim, part.column > 0);
        product_here(simd, &Left::pack_here(simd, score_grads), &sequence.keys(kv, part), dim, output);
    }
    let seen = |data, rows, out| {
        let left = Left::pack_columns_here(simd, Matrix::new(data, all, width));
        product_here(simd, &left, &Matrix::new(rows, all, dim), dim, Output::new(out, dim));
    };
    seen(&score_grads, &queries, &mut grads.k);
    seen(&weights, &g, &mut grads.v);
    grads
}

/// Rows of the result that one thread adds up.
const ROWS: usize = 16;

/// See [`super::super::attention_backward`].
pub fn attention_backward(saved: &Saved<'_>, heads: Heads, segments: &Segments) -> Vec<f32> {
    let simd = Simd::widest();
    let tasks = tasks(&tiles(segments), heads);
    let grads: Vec<TileGrads> = tasks.par_iter().map(|(tile, kv)| tile_grads(simd, tile, saved, heads, *kv)).collect();
    let width = heads.qkv_width();
    let mut out = vec![0.0; segments.rows() * width];
    out.par_chunks_mut(ROWS * width).enumerate().for_each(|(chunk, out)| {
        // In the tasks' order, whoever computed them.
        for ((tile, kv), grads) in tasks.iter().zip(&grads) {
            add_rows(out, chunk * ROWS, tile, *kv, grads, heads);
        }
    });
    out
}

/// Adds what a task has for the rows from `first` on to their gradients.
fn add_rows(out: &mut [f32], first: usize, tile: &Tile, kv: usize, grads: &TileGrads, heads: Heads) {
    let (dim, width, group) = (heads.dim, heads.qkv_width(), heads.group());
    let last = first + out.len() / width;
    let mut add = |row: usize, column: usize, from: &[f32]| {
        let to = &mut out[(row - first) * width + column * dim..][..dim];
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    };
    for row in first.max(tile.first)..last.min(tile.first + tile.rows) {
        for member in 0..group {
            let from = (member * tile.rows + row - tile.first) * dim;
            add(row, kv * group + member, &grads.q[from..from + dim]);
        }
    }
    for part in tile.parts() {
        for row in first.max(part.first)..last.min(part.first + part.count) {
            let from = (part.column + row - part.first) * dim;
            add(row, heads.q + kv, &grads.k[from..from + dim]);
            add(row, heads.q + heads.kv + kv, &grads.v[from..from + dim]);
        }
    }
}
