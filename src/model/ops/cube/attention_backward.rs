//! The gradient of [`super::attention`]: scores are computed anew, a tile at a time, once for the queries' gradients and once for those of
//! keys and values (Dao 2023, "`FlashAttention-2`"). Nothing is added by two cubes, so that results do not depend on their order.

use std::sync::Arc;

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    super::layout::{Heads, Segments},
    attention::{HeadShape, cube, key_tiles, keys, queries, query_tiles},
    launch::{element, elementwise, empty, numbers_from},
    tile::{ACROSS, HELD, Place, SIDE, chunks, fill, gather_weighted, load, multiply, share, tile},
};

/// What both passes read.
struct Inputs {
    g: CubeTensor,
    qkv: CubeTensor,
    log_sums: CubeTensor,
    overlaps: CubeTensor,
}

/// Σ g · out of each row and head: what the softmax's gradient takes off every score's.
#[cube(launch)]
fn overlap<F: Float>(
    g: &[F],
    out: &[F],
    overlaps: &mut [f32],
    units: usize,
    #[comptime] dim: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let mut sum = 0.0f32;
    for i in 0..dim {
        sum += f32::cast_from(g[ABSOLUTE_POS * dim + i]) * f32::cast_from(out[ABSOLUTE_POS * dim + i]);
    }
    overlaps[ABSOLUTE_POS] = sum;
}

/// From scores and the products of gradients with values: probabilities, and the gradients of the scores, in their places.
#[cube]
fn score_gradient(
    scores: &mut Array<f32>,
    products: &mut Array<f32>,
    at: usize,
    seen: bool,
    log_sum: f32,
    overlap: f32,
    scale: f32,
) {
    let mut probability = 0.0f32;
    if seen {
        probability = (scores[at] * scale - log_sum).exp();
    }
    scores[at] = probability;
    products[at] = probability * (products[at] - overlap) * scale;
}

#[cube(launch)]
fn for_queries<F: Float>(
    g: &[F],
    qkv: &[F],
    log_sums: &[f32],
    overlaps: &[f32],
    tiles: &[u32],
    out: &mut [F],
    scale: f32,
    #[comptime] heads: HeadShape,
    #[define(F)] _dtype: ElemType,
) {
    let head = CUBE_POS_Y as usize;
    let dim = comptime!(heads.dim);
    let width = comptime!(heads.width());
    let places = comptime!(heads.places());
    let column = head / comptime!(heads.group()) * dim;
    let query = queries(tiles);
    let (y, x) = (UNIT_POS_Y as usize * HELD, UNIT_POS_X as usize);
    let (mut left, mut right, mut weights) = (tile(), tile(), tile());
    let mut sums = Array::<f32>::new(comptime!(HELD * places));
    let mut scores = Array::<f32>::new(HELD * HELD);
    let mut products = Array::<f32>::new(HELD * HELD);
    fill(&mut sums, 0.0f32, comptime!(HELD * places));
    let q_place = Place { start: query.start, rows: query.rows, width, column: head * dim };
    let g_place =
        Place { start: query.start, rows: query.rows, width: comptime!(heads.q * heads.dim), column: head * dim };

    for number in 0..key_tiles(&query) {
        let (first, end) = keys(&query, number);
        let rows = min(end - first, SIDE);
        let k_place = Place { start: first, rows, width, column: comptime!(heads.key_column()) + column };
        let v_place = Place { start: first, rows, width, column: comptime!(heads.value_column()) + column };
        fill(&mut scores, 0.0f32, comptime!(HELD * HELD));
        fill(&mut products, 0.0f32, comptime!(HELD * HELD));
        for chunk in 0..comptime!(chunks(heads.dim)) {
            sync_cube();
            load::<F>(&mut left, qkv, &q_place, chunk * SIDE, dim);
            load::<F>(&mut right, qkv, &k_place, chunk * SIDE, dim);
            sync_cube();
            multiply(&mut scores, &left, &right);
            sync_cube();
            load::<F>(&mut left, g, &g_place, chunk * SIDE, dim);
            load::<F>(&mut right, qkv, &v_place, chunk * SIDE, dim);
            sync_cube();
            multiply(&mut products, &left, &right);
        }
        #[unroll]
        for i in 0..HELD {
            let row = min(query.start + y + i, query.start + query.rows - 1);
            let log_sum = log_sums[row * comptime!(heads.q) + head];
            let overlap = overlaps[row * comptime!(heads.q) + head];
            #[unroll]
            for j in 0..HELD {
                let key = first + x * HELD + j;
                let seen = key < end && key <= row;
                score_gradient(&mut scores, &mut products, i * HELD + j, seen, log_sum, overlap, scale);
            }
        }
        share(&mut weights, &products);
        #[unroll]
        for chunk in 0..comptime!(chunks(heads.dim)) {
            sync_cube();
            load::<F>(&mut right, qkv, &k_place, chunk * SIDE, dim);
            sync_cube();
            gather_weighted(&mut sums, &weights, &right, chunk * HELD, places);
        }
    }
    #[unroll]
    for i in 0..HELD {
        if y + i < query.rows {
            #[unroll]
            for c in 0..places {
                let place = comptime!(c / HELD * SIDE + c % HELD * ACROSS) + x;
                if place < dim {
                    out[(query.start + y + i) * width + head * dim + place] = F::cast_from(sums[i * places + c]);
                }
            }
        }
    }
}

/// Every query head writes its own part of its key head's gradients.
#[cube(launch)]
fn for_keys<F: Float>(
    g: &[F],
    qkv: &[F],
    log_sums: &[f32],
    overlaps: &[f32],
    tiles: &[u32],
    key_parts: &mut [f32],
    value_parts: &mut [f32],
    scale: f32,
    #[comptime] heads: HeadShape,
    #[define(F)] _dtype: ElemType,
) {
    let head = CUBE_POS_Y as usize;
    let dim = comptime!(heads.dim);
    let width = comptime!(heads.width());
    let across = comptime!(heads.q * heads.dim);
    let places = comptime!(heads.places());
    let column = head / comptime!(heads.group()) * dim;
    let tile_at = CUBE_POS_X as usize * 3;
    let (start, rows, last) = (tiles[tile_at] as usize, tiles[tile_at + 1] as usize, tiles[tile_at + 2] as usize);
    let (y, x) = (UNIT_POS_Y as usize * HELD, UNIT_POS_X as usize);
    let (mut left, mut right, mut probabilities, mut gradients) = (tile(), tile(), tile(), tile());
    let mut key_sums = Array::<f32>::new(comptime!(HELD * places));
    let mut value_sums = Array::<f32>::new(comptime!(HELD * places));
    let mut scores = Array::<f32>::new(HELD * HELD);
    let mut products = Array::<f32>::new(HELD * HELD);
    fill(&mut key_sums, 0.0f32, comptime!(HELD * places));
    fill(&mut value_sums, 0.0f32, comptime!(HELD * places));
    let k_place = Place { start, rows, width, column: comptime!(heads.key_column()) + column };
    let v_place = Place { start, rows, width, column: comptime!(heads.value_column()) + column };

    for number in 0..(last - start + SIDE - 1) / SIDE {
        let first = start + number * SIDE;
        let count = min(last - first, SIDE);
        let q_place = Place { start: first, rows: count, width, column: head * dim };
        let g_place = Place { start: first, rows: count, width: across, column: head * dim };
        fill(&mut scores, 0.0f32, comptime!(HELD * HELD));
        fill(&mut products, 0.0f32, comptime!(HELD * HELD));
        for chunk in 0..comptime!(chunks(heads.dim)) {
            sync_cube();
            load::<F>(&mut left, qkv, &k_place, chunk * SIDE, dim);
            load::<F>(&mut right, qkv, &q_place, chunk * SIDE, dim);
            sync_cube();
            multiply(&mut scores, &left, &right);
            sync_cube();
            load::<F>(&mut left, qkv, &v_place, chunk * SIDE, dim);
            load::<F>(&mut right, g, &g_place, chunk * SIDE, dim);
            sync_cube();
            multiply(&mut products, &left, &right);
        }
        #[unroll]
        for j in 0..HELD {
            let row = min(first + x * HELD + j, last - 1);
            let log_sum = log_sums[row * comptime!(heads.q) + head];
            let overlap = overlaps[row * comptime!(heads.q) + head];
            #[unroll]
            for i in 0..HELD {
                let key = start + y + i;
                let seen = y + i < rows && x * HELD + j < count && key <= row;
                score_gradient(&mut scores, &mut products, i * HELD + j, seen, log_sum, overlap, scale);
            }
        }
        share(&mut probabilities, &scores);
        share(&mut gradients, &products);
        #[unroll]
        for chunk in 0..comptime!(chunks(heads.dim)) {
            sync_cube();
            load::<F>(&mut left, g, &g_place, chunk * SIDE, dim);
            load::<F>(&mut right, qkv, &q_place, chunk * SIDE, dim);
            sync_cube();
            gather_weighted(&mut value_sums, &probabilities, &left, chunk * HELD, places);
            gather_weighted(&mut key_sums, &gradients, &right, chunk * HELD, places);
        }
    }
    #[unroll]
    for i in 0..HELD {
        if y + i < rows {
            #[unroll]
            for c in 0..places {
                let place = comptime!(c / HELD * SIDE + c % HELD * ACROSS) + x;
                if place < dim {
                    let at = (start + y + i) * across + head * dim + place;
                    key_parts[at] = key_sums[i * places + c];
                    value_parts[at] = value_sums[i * places + c];
                }
            }
        }
    }
}

/// Sums the parts of the query heads that share a key head into the rows' key and value columns.
#[cube(launch)]
fn sum_heads<F: Float>(
    key_parts: &[f32],
    value_parts: &[f32],
    out: &mut [F],
    units: usize,
    #[comptime] heads: HeadShape,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let columns = comptime!(heads.kv * heads.dim);
    let (row, column) = (ABSOLUTE_POS / columns, ABSOLUTE_POS % columns);
    let (head, place) = (column / comptime!(heads.dim), column % comptime!(heads.dim));
    let group = comptime!(heads.group());
    let mut key_sum = 0.0f32;
    let mut value_sum = 0.0f32;
    for member in 0..group {
        let at = row * comptime!(heads.q * heads.dim) + (head * group + member) * comptime!(heads.dim) + place;
        key_sum += key_parts[at];
        value_sum += value_parts[at];
    }
    let at = row * comptime!(heads.width()) + column;
    out[at + comptime!(heads.key_column())] = F::cast_from(key_sum);
    out[at + comptime!(heads.value_column())] = F::cast_from(value_sum);
}

/// Tiles of keys: first row, rows, and the end of the rows that may see them.
fn key_tiles_of(segments: &Segments) -> Vec<u32> {
    let mut tiles = Vec::new();
    for (number, (start, rows)) in segments.ranges().into_iter().enumerate() {
        let last = if number == 0 { segments.rows() } else { start + rows };
        for first in (0..rows).step_by(SIDE) {
            tiles.extend([start + first, SIDE.min(rows - first), last].map(|n| n as u32));
        }
    }
    tiles
}

fn queries_gradient(inputs: &Inputs, out: &CubeTensor, heads: Heads, segments: &Arc<Segments>) {
    let Inputs { g, qkv, log_sums, overlaps } = inputs;
    let tiles = numbers_from(g, segments, query_tiles);
    for_queries::launch(
        &g.client,
        CubeCount::Static(tiles.meta.shape()[0] as u32 / 4, heads.q as u32, 1),
        cube(),
        g.clone().into_buffer_arg(),
        qkv.clone().into_buffer_arg(),
        log_sums.clone().into_buffer_arg(),
        overlaps.clone().into_buffer_arg(),
        tiles.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        heads.scale(),
        HeadShape::from(heads),
        element(g.dtype),
    );
}

fn keys_gradient(inputs: &Inputs, out: &CubeTensor, heads: Heads, segments: &Arc<Segments>) {
    let Inputs { g, qkv, log_sums, overlaps } = inputs;
    let rows = g.meta.shape()[0];
    let parts = || empty(g, Shape::new([rows, heads.q_width()]), DType::F32);
    let (key_parts, value_parts) = (parts(), parts());
    let tiles = numbers_from(g, segments, key_tiles_of);
    for_keys::launch(
        &g.client,
        CubeCount::Static(tiles.meta.shape()[0] as u32 / 3, heads.q as u32, 1),
        cube(),
        g.clone().into_buffer_arg(),
        qkv.clone().into_buffer_arg(),
        log_sums.clone().into_buffer_arg(),
        overlaps.clone().into_buffer_arg(),
        tiles.into_buffer_arg(),
        key_parts.clone().into_buffer_arg(),
        value_parts.clone().into_buffer_arg(),
        heads.scale(),
        HeadShape::from(heads),
        element(g.dtype),
    );
    let units = rows * heads.kv * heads.dim;
    let (count, dim) = elementwise(g, units);
    sum_heads::launch(
        &g.client,
        count,
        dim,
        key_parts.into_buffer_arg(),
        value_parts.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        units,
        HeadShape::from(heads),
        element(g.dtype),
    );
}

/// See [`super::super::attention_backward`].
pub(super) fn attention_backward(
    g: CubeTensor,
    qkv: CubeTensor,
    out: &CubeTensor,
    log_sums: CubeTensor,
    heads: Heads,
    segments: &Arc<Segments>,
) -> CubeTensor {
    let rows = g.meta.shape()[0];
    let grad = empty(&g, Shape::new([rows, heads.qkv_width()]), g.dtype);
    if rows == 0 {
        return grad;
    }
    let overlaps = empty(&g, Shape::new([rows, heads.q]), DType::F32);
    let (count, dim) = elementwise(&g, rows * heads.q);
    overlap::launch(
        &g.client,
        count,
        dim,
        g.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        overlaps.clone().into_buffer_arg(),
        rows * heads.q,
        heads.dim,
        element(g.dtype),
    );
    let inputs = Inputs { g, qkv, log_sums, overlaps };
    queries_gradient(&inputs, &grad, heads, segments);
    keys_gradient(&inputs, &grad, heads, segments);
    grad
}
