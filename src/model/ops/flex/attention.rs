//! Attention over packed segments, tile by tile: scores exist for a tile of rows of one head only.

use rayon::prelude::*;

use super::{
    super::layout::{Heads, Segments},
    dot::{largest, sum},
    gemm::{Into, Output, View, gemm},
    simd::{exp, vectorized},
};

/// Rows of a tile.
const TILE: usize = 64;

/// Some rows of one segment, with the rows that they may see: all of the prompt before `prefix`, then the segment's own.
#[derive(Debug, Clone, Copy)]
pub struct Tile {
    /// First row of the tile.
    pub first: usize,
    /// Rows of the tile.
    pub rows: usize,
    /// Rows of the prompt that are seen as a whole; 0 within the prompt itself.
    pub prefix: usize,
    /// First row of the segment.
    pub own_first: usize,
    /// Rows of the segment up to the end of the tile.
    pub own_rows: usize,
}

impl Tile {
    /// Columns of the tile's scores.
    pub fn width(&self) -> usize {
        self.prefix + self.own_rows
    }

    /// Columns that row `i` of the tile sees.
    pub fn seen(&self, i: usize) -> usize {
        self.width() - self.rows + i + 1
    }
}

/// All tiles of a packed sequence.
pub fn tiles(segments: &Segments) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for (index, (start, count)) in segments.ranges().into_iter().enumerate() {
        for offset in (0..count).step_by(TILE) {
            let rows = TILE.min(count - offset);
            tiles.push(Tile {
                first: start + offset,
                rows,
                prefix: if index == 0 { 0 } else { segments.prompt },
                own_first: start,
                own_rows: offset + rows,
            });
        }
    }
    tiles
}

/// One head's columns within stacked rows.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Rows, `stride` apart.
    pub data: &'a [f32],
    /// Distance of rows.
    pub stride: usize,
    /// First column.
    pub column: usize,
    /// Columns.
    pub dim: usize,
}

impl<'a> Columns<'a> {
    /// A range of rows.
    pub fn rows(&self, first: usize, count: usize) -> View<'a> {
        let start = (first * self.stride + self.column).min(self.data.len());
        View::new(&self.data[start..], count, self.dim, self.stride)
    }
}

/// Queries, keys and values of one query head.
pub fn head_columns(qkv: &[f32], heads: Heads, head: usize) -> [Columns<'_>; 3] {
    let kv = head / heads.group();
    [head, heads.q + kv, heads.q + heads.kv + kv].map(|index| Columns {
        data: qkv,
        stride: heads.qkv_width(),
        column: index * heads.dim,
        dim: heads.dim,
    })
}

/// Scaled scores of a tile, `[rows, width]`, not yet masked.
pub fn scores(out: &mut [f32], tile: &Tile, q: &Columns<'_>, k: &Columns<'_>, scale: f32) {
    let queries = q.rows(tile.first, tile.rows);
    let width = tile.width();
    for (column, first, count) in [(0, 0, tile.prefix), (tile.prefix, tile.own_first, tile.own_rows)] {
        let output = Output { data: &mut out[column.min(width - 1)..], row_stride: width, into: Into::Replace };
        gemm(output, queries, k.rows(first, count).transposed(), scale, false);
    }
}

vectorized! {
    /// Softmax of the first `seen` scores, zeros behind them; returns the logarithm of the denominator.
    fn softmax_row(scores: &mut [f32], seen: usize) -> f32 {
        let (visible, rest) = scores.split_at_mut(seen);
        rest.fill(0.0);
        let top = largest(visible);
        let mut lanes = [0.0_f32; 16];
        let (chunks, tail) = visible.as_chunks_mut::<16>();
        for chunk in chunks {
            for j in 0..16 {
                chunk[j] = exp(chunk[j] - top);
                lanes[j] += chunk[j];
            }
        }
        for (lane, score) in lanes.iter_mut().zip(tail) {
            *score = exp(*score - top);
            *lane += *score;
        }
        let total = sum(lanes);
        let inverse = 1.0 / total;
        for score in visible {
            *score *= inverse;
        }
        total.ln() + top
    }
}

/// A tile's outputs `[rows, dim]` and log sums `[rows]` for one head.
fn attend(tile: &Tile, qkv: &[f32], heads: Heads, head: usize) -> (Vec<f32>, Vec<f32>) {
    let [q, k, v] = head_columns(qkv, heads, head);
    let width = tile.width();
    let mut weights = vec![0.0; tile.rows * width];
    scores(&mut weights, tile, &q, &k, heads.scale());
    let log_sums = weights.chunks_exact_mut(width).enumerate().map(|(i, row)| softmax_row(row, tile.seen(i))).collect();
    let mut out = vec![0.0; tile.rows * heads.dim];
    for (column, first, count) in [(0, 0, tile.prefix), (tile.prefix, tile.own_first, tile.own_rows)] {
        let weights = View::new(&weights[column..], tile.rows, count, width);
        let output = Output { data: &mut out, row_stride: heads.dim, into: Into::Add };
        if count > 0 {
            gemm(output, weights, v.rows(first, count), 1.0, false);
        }
    }
    (out, log_sums)
}

/// See [`super::super::attention`].
pub fn attention(qkv: &[f32], heads: Heads, segments: &Segments) -> (Vec<f32>, Vec<f32>) {
    let tasks: Vec<(Tile, usize)> =
        tiles(segments).into_iter().flat_map(|tile| (0..heads.q).map(move |head| (tile, head))).collect();
    let done: Vec<(Vec<f32>, Vec<f32>)> =
        tasks.par_iter().map(|(tile, head)| attend(tile, qkv, heads, *head)).collect();
    let mut out = vec![0.0; segments.rows() * heads.q_width()];
    let mut log_sums = vec![0.0; segments.rows() * heads.q];
    for ((tile, head), (tile_out, tile_sums)) in tasks.iter().zip(done) {
        for (i, (row, sum)) in tile_out.chunks_exact(heads.dim).zip(tile_sums).enumerate() {
            let at = (tile.first + i) * heads.q + head;
            out[at * heads.dim..(at + 1) * heads.dim].copy_from_slice(row);
            log_sums[at] = sum;
        }
    }
    (out, log_sums)
}
