//! The backward pass of attention: one task per query head, which computes its probabilities anew tile by tile.

use rayon::prelude::*;

use super::{
    super::layout::{Heads, Segments},
    attention::{Columns, Tile, head_columns, scores, tiles},
    dot::dot,
    gemm::{Into, Output, View, gemm},
    simd::{exp, vectorized},
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

/// Gradients of one query head's queries, keys and values, `[m, dim]` each.
struct HeadGrads {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

vectorized! {
    /// Scores to probabilities, zero where hidden.
    fn probabilities_row(scores: &mut [f32], seen: usize, log_sum: f32) {
        let (visible, rest) = scores.split_at_mut(seen);
        rest.fill(0.0);
        for score in visible {
            *score = exp(*score - log_sum);
        }
    }
}

vectorized! {
    /// Gradients of the probabilities to those of the scores; the softmax's mean is taken off.
    fn score_grads_row(grads: &mut [f32], probabilities: &[f32], mean: f32) {
        for (grad, probability) in grads.iter_mut().zip(probabilities) {
            *grad = (*grad - mean) * probability;
        }
    }
}

vectorized! {
    fn vectorized_dot(a: &[f32], b: &[f32]) -> f32 {
        dot(a, b)
    }
}

/// A rectangle of a tile's scores: the columns from `column` on are the sequence's rows from `first` on.
struct Part {
    column: usize,
    first: usize,
    count: usize,
}

fn parts(tile: &Tile) -> impl Iterator<Item = Part> {
    let prefix = Part { column: 0, first: 0, count: tile.prefix };
    let own = Part { column: tile.prefix, first: tile.own_first, count: tile.own_rows };
    [prefix, own].into_iter().filter(|part| part.count > 0)
}

/// Adds one tile's share to the head's gradients.
fn add_tile(grads: &mut HeadGrads, tile: &Tile, saved: &Saved<'_>, heads: Heads, head: usize) {
    let (dim, width) = (heads.dim, tile.width());
    let [q, k, v] = head_columns(saved.qkv, heads, head);
    let by_head = |data| Columns { data, stride: heads.q_width(), column: head * dim, dim };
    let g = by_head(saved.g).rows(tile.first, tile.rows);
    let mut weights = vec![0.0; tile.rows * width];
    scores(&mut weights, tile, &q, &k, heads.scale());
    let mut score_grads = vec![0.0; tile.rows * width];
    for part in parts(tile) {
        let output = Output { data: &mut score_grads[part.column..], row_stride: width, into: Into::Replace };
        gemm(output, g, v.rows(part.first, part.count).transposed(), 1.0, false);
    }
    let lines = weights.chunks_exact_mut(width).zip(score_grads.chunks_exact_mut(width));
    for (i, (weights, score_grads)) in lines.enumerate() {
        let at = (tile.first + i) * heads.q + head;
        probabilities_row(weights, tile.seen(i), saved.log_sums[at]);
        let columns = at * dim..(at + 1) * dim;
        score_grads_row(score_grads, weights, vectorized_dot(&saved.g[columns.clone()], &saved.out[columns]));
    }
    for part in parts(tile) {
        let weights = View::new(&weights[part.column..], tile.rows, part.count, width);
        let score_grads = View::new(&score_grads[part.column..], tile.rows, part.count, width);
        let add = |data, lhs, rhs, scale| {
            gemm(Output { data, row_stride: dim, into: Into::Add }, lhs, rhs, scale, false);
        };
        add(&mut grads.v[part.first * dim..], weights.transposed(), g, 1.0);
        add(&mut grads.k[part.first * dim..], score_grads.transposed(), q.rows(tile.first, tile.rows), heads.scale());
        add(&mut grads.q[tile.first * dim..], score_grads, k.rows(part.first, part.count), heads.scale());
    }
}

fn head_grads(saved: &Saved<'_>, heads: Heads, head: usize, tiles: &[Tile], rows: usize) -> HeadGrads {
    let zeros = || vec![0.0; rows * heads.dim];
    let mut grads = HeadGrads { q: zeros(), k: zeros(), v: zeros() };
    for tile in tiles {
        add_tile(&mut grads, tile, saved, heads, head);
    }
    grads
}

/// See [`super::super::attention_backward`].
pub fn attention_backward(saved: &Saved<'_>, heads: Heads, segments: &Segments) -> Vec<f32> {
    let (rows, tiles) = (segments.rows(), tiles(segments));
    let grads: Vec<HeadGrads> =
        (0..heads.q).into_par_iter().map(|head| head_grads(saved, heads, head, &tiles, rows)).collect();
    let (dim, group) = (heads.dim, heads.group());
    let mut out = vec![0.0; rows * heads.qkv_width()];
    out.par_chunks_exact_mut(heads.qkv_width()).enumerate().for_each(|(row, out)| {
        let part = row * dim..(row + 1) * dim;
        let (q, kv) = out.split_at_mut(heads.q_width());
        let (k, v) = kv.split_at_mut(heads.kv * dim);
        for (q, grads) in q.chunks_exact_mut(dim).zip(&grads) {
            q.copy_from_slice(&grads.q[part.clone()]);
        }
        let targets = k.chunks_exact_mut(dim).zip(v.chunks_exact_mut(dim));
        for ((k, v), grads) in targets.zip(grads.chunks_exact(group)) {
            for grads in grads {
                k.iter_mut().zip(&grads.k[part.clone()]).for_each(|(k, grad)| *k += grad);
                v.iter_mut().zip(&grads.v[part.clone()]).for_each(|(v, grad)| *v += grad);
            }
        }
    });
    out
}
