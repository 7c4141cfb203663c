//! Causal grouped-query attention within packed segments: scores exist a tile at a time, with a running softmax (Dao et al. 2022,
//! "`FlashAttention`").

use std::sync::Arc;

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    super::layout::{Heads, Segments},
    launch::{element, empty, numbers_from},
    tile::{ACROSS, HELD, PITCH, Place, SIDE, chunks, fill, gather_weighted, load, multiply, share, tile},
};

/// The shape of heads, known when a kernel is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct HeadShape {
    pub q: usize,
    pub kv: usize,
    pub dim: usize,
}

impl From<Heads> for HeadShape {
    fn from(heads: Heads) -> Self {
        Self { q: heads.q, kv: heads.kv, dim: heads.dim }
    }
}

impl HeadShape {
    pub fn width(self) -> usize {
        (self.q + 2 * self.kv) * self.dim
    }

    pub fn group(self) -> usize {
        self.q / self.kv
    }

    /// First column of the keys and of the values.
    pub fn key_column(self) -> usize {
        self.q * self.dim
    }

    pub fn value_column(self) -> usize {
        (self.q + self.kv) * self.dim
    }

    /// Columns of a head that a unit holds of its rows.
    pub fn places(self) -> usize {
        chunks(self.dim) * HELD
    }
}

/// Rows of a tile's queries, and the keys that they see: first those of the prompt, then their own segment's.
#[derive(CubeType)]
pub(super) struct Queries {
    /// First row.
    pub start: usize,
    /// Rows.
    pub rows: usize,
    /// First row of the segment.
    pub segment: usize,
    /// Rows of the prompt before the segment: none for the prompt itself.
    pub prompt: usize,
}

/// The numbers of a tile of queries.
#[cube]
pub(super) fn queries(tiles: &[u32]) -> Queries {
    let at = CUBE_POS_X as usize * 4;
    Queries {
        start: tiles[at] as usize,
        rows: tiles[at + 1] as usize,
        segment: tiles[at + 2] as usize,
        prompt: tiles[at + 3] as usize,
    }
}

/// Tiles of keys that are seen.
#[cube]
pub(super) fn key_tiles(queries: &Queries) -> usize {
    (queries.prompt + SIDE - 1) / SIDE + (queries.start + queries.rows - queries.segment + SIDE - 1) / SIDE
}

/// First key of a tile, and the end of the keys.
#[cube]
pub(super) fn keys(queries: &Queries, number: usize) -> (usize, usize) {
    let before = (queries.prompt + SIDE - 1) / SIDE;
    let mut first = number * SIDE;
    let mut end = queries.prompt;
    if number >= before {
        first = queries.segment + (number - before) * SIDE;
        end = queries.start + queries.rows;
    }
    (first, end)
}

#[cube(launch)]
fn forward<F: Float>(
    qkv: &[F],
    tiles: &[u32],
    out: &mut [F],
    log_sums: &mut [f32],
    scale: f32,
    #[comptime] heads: HeadShape,
    #[define(F)] _dtype: ElemType,
) {
    let head = CUBE_POS_Y as usize;
    let width = comptime!(heads.width());
    let places = comptime!(heads.places());
    let shared_head = head / comptime!(heads.group());
    let query = queries(tiles);
    let (y, x) = (UNIT_POS_Y as usize * HELD, UNIT_POS_X as usize);
    let (mut left, mut right, mut weights) = (tile(), tile(), tile());
    let mut sums = Array::<f32>::new(comptime!(HELD * places));
    let mut scores = Array::<f32>::new(HELD * HELD);
    let mut tops = Array::<f32>::new(HELD);
    let mut totals = Array::<f32>::new(HELD);
    fill(&mut sums, 0.0f32, comptime!(HELD * places));
    fill(&mut tops, -1e30f32, HELD);
    fill(&mut totals, 0.0f32, HELD);
    let q_place = Place { start: query.start, rows: query.rows, width, column: head * comptime!(heads.dim) };

    for number in 0..key_tiles(&query) {
        let (first, end) = keys(&query, number);
        let rows = min(end - first, SIDE);
        let column = shared_head * comptime!(heads.dim);
        let k_place = Place { start: first, rows, width, column: comptime!(heads.key_column()) + column };
        let v_place = Place { start: first, rows, width, column: comptime!(heads.value_column()) + column };
        fill(&mut scores, 0.0f32, comptime!(HELD * HELD));
        for chunk in 0..comptime!(chunks(heads.dim)) {
            sync_cube();
            load::<F>(&mut left, qkv, &q_place, chunk * SIDE, comptime!(heads.dim));
            load::<F>(&mut right, qkv, &k_place, chunk * SIDE, comptime!(heads.dim));
            sync_cube();
            multiply(&mut scores, &left, &right);
        }
        #[unroll]
        for i in 0..HELD {
            #[unroll]
            for j in 0..HELD {
                let key = first + x * HELD + j;
                let row = query.start + y + i;
                scores[i * HELD + j] *= scale;
                if key >= end || key > row {
                    scores[i * HELD + j] = -1e30f32;
                }
            }
        }
        share(&mut weights, &scores);
        sync_cube();
        let mut highest = Array::<f32>::new(HELD);
        #[unroll]
        for i in 0..HELD {
            let mut top = tops[i];
            for j in 0..SIDE {
                top = max(top, weights[(y + i) * PITCH + j]);
            }
            highest[i] = top;
        }
        // Everyone has read the scores before weights take their place.
        sync_cube();
        #[unroll]
        for i in 0..HELD {
            let shrink = (tops[i] - highest[i]).exp();
            tops[i] = highest[i];
            totals[i] *= shrink;
            #[unroll]
            for c in 0..places {
                sums[i * places + c] *= shrink;
            }
            #[unroll]
            for j in 0..HELD {
                scores[i * HELD + j] = (scores[i * HELD + j] - highest[i]).exp();
            }
        }
        share(&mut weights, &scores);
        #[unroll]
        for chunk in 0..comptime!(chunks(heads.dim)) {
            sync_cube();
            load::<F>(&mut right, qkv, &v_place, chunk * SIDE, comptime!(heads.dim));
            sync_cube();
            gather_weighted(&mut sums, &weights, &right, chunk * HELD, places);
        }
        #[unroll]
        for i in 0..HELD {
            for j in 0..SIDE {
                totals[i] += weights[(y + i) * PITCH + j];
            }
        }
    }
    #[unroll]
    for i in 0..HELD {
        let row = query.start + y + i;
        if y + i < query.rows {
            #[unroll]
            for c in 0..places {
                let column = comptime!(c / HELD * SIDE + c % HELD * ACROSS) + x;
                if column < comptime!(heads.dim) {
                    let at = row * comptime!(heads.q * heads.dim) + head * comptime!(heads.dim) + column;
                    out[at] = F::cast_from(sums[i * places + c] / totals[i]);
                }
            }
            if x == 0 {
                log_sums[row * comptime!(heads.q) + head] = totals[i].ln() + tops[i];
            }
        }
    }
}

/// Tiles of queries as [`queries`] reads them: no tile lies in two segments.
pub(super) fn query_tiles(segments: &Segments) -> Vec<u32> {
    let mut tiles = Vec::new();
    for (number, (start, rows)) in segments.ranges().into_iter().enumerate() {
        let prompt = if number == 0 { 0 } else { segments.prompt };
        for first in (0..rows).step_by(SIDE) {
            tiles.extend([start + first, SIDE.min(rows - first), start, prompt].map(|n| n as u32));
        }
    }
    tiles
}

/// The size of the cubes that work on tiles.
pub(super) fn cube() -> CubeDim {
    CubeDim::new_2d(ACROSS as u32, ACROSS as u32)
}

/// See [`super::super::attention`].
pub(super) fn attention(qkv: &CubeTensor, heads: Heads, segments: &Arc<Segments>) -> (CubeTensor, CubeTensor) {
    let rows = qkv.meta.shape()[0];
    let out = empty(qkv, Shape::new([rows, heads.q_width()]), qkv.dtype);
    let log_sums = empty(qkv, Shape::new([rows, heads.q]), DType::F32);
    if rows == 0 {
        return (out, log_sums);
    }
    let tiles = numbers_from(qkv, segments, query_tiles);
    forward::launch(
        &qkv.client,
        CubeCount::Static(tiles.meta.shape()[0] as u32 / 4, heads.q as u32, 1),
        cube(),
        qkv.clone().into_buffer_arg(),
        tiles.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        log_sums.clone().into_buffer_arg(),
        heads.scale(),
        HeadShape::from(heads),
        element(qkv.dtype),
    );
    (out, log_sums)
}
