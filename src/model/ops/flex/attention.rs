//! Attention over packed segments, tile by tile: scores exist for a tile of rows of one key head only.

use rayon::prelude::*;

use super::{
    super::layout::{Heads, Segments},
    dot::{largest, sum},
    product::{Left, Matrix, Output, Transposed, product_here},
    simd::{Simd, exp, vectorized},
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

/// A rectangle of a tile's scores: the columns from `column` on are the sequence's rows from `first` on.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// First column.
    pub column: usize,
    /// First row of the sequence.
    pub first: usize,
    /// Columns, and rows of the sequence.
    pub count: usize,
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

    /// The tile's columns, part by part.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let prefix = Part { column: 0, first: 0, count: self.prefix };
        let own = Part { column: self.prefix, first: self.own_first, count: self.own_rows };
        [prefix, own].into_iter().filter(|part| part.count > 0)
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

/// Stacked q/k/v rows of a packed sequence, head by head.
#[derive(Debug, Clone, Copy)]
pub struct Sequence<'a> {
    /// `[m, qkv_width]`, rotated.
    pub qkv: &'a [f32],
    /// How its columns are arranged.
    pub heads: Heads,
}

impl<'a> Sequence<'a> {
    fn columns(&self, index: usize, first: usize, rows: usize) -> Matrix<'a> {
        let (stride, dim) = (self.heads.qkv_width(), self.heads.dim);
        Matrix { data: &self.qkv[first * stride + index * dim..], rows, cols: dim, stride }
    }

    /// Keys of some rows.
    pub fn keys(&self, kv: usize, part: Part) -> Matrix<'a> {
        self.columns(self.heads.q + kv, part.first, part.count)
    }

    /// Values of some rows.
    pub fn values(&self, kv: usize, part: Part) -> Matrix<'a> {
        self.columns(self.heads.q + self.heads.kv + kv, part.first, part.count)
    }

    /// Queries of a tile's rows for all heads that share a key head, on top of each other: `[group · rows, dim]`.
    pub fn queries(&self, tile: &Tile, kv: usize) -> Vec<f32> {
        stacked(self.qkv, self.heads.qkv_width(), tile, kv, self.heads)
    }
}

/// A tile's rows of the query heads that share key head `kv`, from rows `stride` apart, on top of each other.
pub fn stacked(data: &[f32], stride: usize, tile: &Tile, kv: usize, heads: Heads) -> Vec<f32> {
    let (group, dim) = (heads.group(), heads.dim);
    let mut rows = Vec::with_capacity(group * tile.rows * dim);
    for head in kv * group..(kv + 1) * group {
        for row in tile.first..tile.first + tile.rows {
            rows.extend_from_slice(&data[row * stride + head * dim..][..dim]);
        }
    }
    rows
}

/// Products of packed rows with the tile's columns, `[rows, width]`: with keys scores, with values their gradients.
pub fn across<'a>(simd: Simd, left: &Left, tile: &Tile, columns: impl Fn(Part) -> Matrix<'a>, out: &mut [f32]) {
    let stride = tile.width();
    for part in tile.parts() {
        let output = Output::rows(&mut out[part.column..], stride, false);
        product_here(simd, left, &Transposed(columns(part)), part.count, output);
    }
}

vectorized! {
    /// Softmax of the first `seen` scores times `scale`, zeros behind them; returns the logarithm of the denominator.
    pub fn softmax_row(scores: &mut [f32], seen: usize, scale: f32) -> f32 {
        let (visible, rest) = scores.split_at_mut(seen);
        rest.fill(0.0);
        let top = largest(visible);
        let mut lanes = [0.0_f32; 16];
        let (chunks, tail) = visible.as_chunks_mut::<16>();
        for chunk in chunks {
            for j in 0..16 {
                chunk[j] = exp((chunk[j] - top) * scale);
                lanes[j] += chunk[j];
            }
        }
        for (lane, score) in lanes.iter_mut().zip(tail) {
            *score = exp((*score - top) * scale);
            *lane += *score;
        }
        let total = sum(lanes);
        let inverse = 1.0 / total;
        for score in visible {
            *score *= inverse;
        }
        total.ln() + top * scale
    }
}

/// A tile's outputs `[group · rows, dim]` and log sums for the heads that share key head `kv`.
fn attend(simd: Simd, tile: &Tile, sequence: &Sequence<'_>, kv: usize) -> (Vec<f32>, Vec<f32>) {
    let (heads, width) = (sequence.heads, tile.width());
    let all = heads.group() * tile.rows;
    let left = Left::pack_here(simd, Matrix::new(&sequence.queries(tile, kv), all, heads.dim));
    let mut weights = vec![0.0; all * width];
    across(simd, &left, tile, |part| sequence.keys(kv, part), &mut weights);
    let rows = weights.chunks_exact_mut(width).enumerate();
    let log_sums = rows.map(|(i, row)| softmax_row(row, tile.seen(i % tile.rows), heads.scale())).collect();
    let mut out = vec![0.0; all * heads.dim];
    for part in tile.parts() {
        let weights = Matrix { data: &weights[part.column..], rows: all, cols: part.count, stride: width };
        let output = Output::rows(&mut out, heads.dim, part.column > 0);
        product_here(simd, &Left::pack_here(simd, weights), &sequence.values(kv, part), heads.dim, output);
    }
    (out, log_sums)
}

/// All tiles with all key heads.
pub fn tasks(tiles: &[Tile], heads: Heads) -> Vec<(Tile, usize)> {
    tiles.iter().flat_map(|tile| (0..heads.kv).map(|kv| (*tile, kv))).collect()
}

/// See [`super::super::attention`].
pub fn attention(qkv: &[f32], heads: Heads, segments: &Segments) -> (Vec<f32>, Vec<f32>) {
    let (simd, sequence) = (Simd::widest(), Sequence { qkv, heads });
    let tasks = tasks(&tiles(segments), heads);
    let done: Vec<(Vec<f32>, Vec<f32>)> =
        tasks.par_iter().map(|(tile, kv)| attend(simd, tile, &sequence, *kv)).collect();
    let (dim, group) = (heads.dim, heads.group());
    let mut out = vec![0.0; segments.rows() * heads.q_width()];
    let mut log_sums = vec![0.0; segments.rows() * heads.q];
    for ((tile, kv), (tile_out, tile_sums)) in tasks.iter().zip(done) {
        for (i, (row, sum)) in tile_out.chunks_exact(dim).zip(tile_sums).enumerate() {
            let at = (tile.first + i % tile.rows) * heads.q + kv * group + i / tile.rows;
            out[at * dim..(at + 1) * dim].copy_from_slice(row);
            log_sums[at] = sum;
        }
    }
    (out, log_sums)
}
