//! Products of few rows with a matrix, as decoding needs them: weights are read once, unpacked in registers and used for every row.
//!
//! A team of 32 units computes [`OUTPUTS`] columns of up to [`TILE`] rows; each unit walks over every 32nd block of the weights' rows,
//! and the team's sums meet in shared memory. Nothing depends on the width of a warp.

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    dequantize::Packed,
    launch::{element, empty, tables},
    unpack::{QUADS, Quad, packed_row, unpack},
};
use crate::model::packed::PackedLayout;

/// Units of a team.
const LANES: usize = 32;
/// Teams of a cube.
const TEAMS: usize = 4;
/// Outputs of a team.
const OUTPUTS: usize = 4;
/// Rows at a time. A team's sums are one for each of its units.
const TILE: usize = LANES / OUTPUTS;
/// A unit's sums in shared memory, with one place more against conflicts of banks.
const PLACES: usize = LANES + 1;

/// Adds the products of a quad of weights with every row's inputs.
#[cube]
fn accumulate(
    sums: &mut Array<f32>,
    inputs: &Array<Quad<f32>>,
    weights: Quad<f32>,
    #[comptime] output: usize,
    #[comptime] tile: usize,
) {
    #[unroll]
    for m in 0..tile {
        let products = inputs[m] * weights;
        let low = products.extract(0usize) + products.extract(1usize);
        let high = products.extract(2usize) + products.extract(3usize);
        sums[m * OUTPUTS + output] += low + high;
    }
}

/// Inputs of every row at a place, widened.
#[cube]
fn read_inputs<F: Float>(
    inputs: &mut Array<Quad<f32>>,
    x: &[Quad<F>],
    at: usize,
    stride: usize,
    first: usize,
    last: usize,
    #[comptime] tile: usize,
) {
    #[unroll]
    for m in 0..tile {
        // Rows beyond the last one repeat it; their sums are not written.
        let row = min(first + m, last);
        inputs[m] = Vector::cast_from(x[row * stride + at]);
    }
}

/// Adds up the team's sums and writes them.
#[cube]
fn finish<O: Float>(
    sums: &Array<f32>,
    out: &mut [O],
    m: usize,
    n: usize,
    first_row: usize,
    first_output: usize,
    #[comptime] tile: usize,
) {
    let lane = UNIT_POS_X as usize;
    let team = UNIT_POS_Y as usize;
    let mut shared = Shared::<[f32]>::new_slice(TEAMS * LANES * PLACES);
    let own = (team * LANES + lane) * PLACES;
    #[unroll]
    for i in 0..comptime!(tile * OUTPUTS) {
        shared[own + i] = sums[i];
    }
    sync_cube();
    let row = first_row + lane / OUTPUTS;
    let output = first_output + lane % OUTPUTS;
    if lane < comptime!(tile * OUTPUTS) && row < m && output < n {
        let mut sum = 0.0f32;
        for i in 0..LANES {
            sum += shared[(team * LANES + i) * PLACES + lane];
        }
        out[row * n + output] = O::cast_from(sum);
    }
}

#[cube(launch)]
fn packed_few<F: Float, O: Float>(
    x: &[Quad<F>],
    words: &[u32],
    scales: &[f32],
    tables: &[f32],
    out: &mut [O],
    m: usize,
    n: usize,
    cols: usize,
    #[comptime] layout: PackedLayout,
    #[comptime] tile: usize,
    #[define(F, O)] _dtypes: [ElemType; 2],
) {
    let first_output = (CUBE_POS_X as usize * TEAMS + UNIT_POS_Y as usize) * OUTPUTS;
    let first_row = CUBE_POS_Y as usize * tile;
    let mut sums = Array::<f32>::new(comptime!(tile * OUTPUTS));
    let mut inputs = Array::<Quad<f32>>::new(tile);
    #[unroll]
    for i in 0..comptime!(tile * OUTPUTS) {
        sums[i] = 0.0f32;
    }
    let mut block = UNIT_POS_X as usize;
    while block < cols / 32 {
        #[unroll]
        for quad in 0..QUADS {
            read_inputs::<F>(&mut inputs, x, block * QUADS + quad, cols / 4, first_row, m - 1, tile);
            #[unroll]
            for output in 0..OUTPUTS {
                let row = packed_row(min(first_output + output, n - 1), cols, layout);
                let weights = unpack(words, scales, tables, &row, block, cols, quad, layout);
                accumulate(&mut sums, &inputs, weights, output, tile);
            }
        }
        block += LANES;
    }
    finish::<O>(&sums, out, m, n, first_row, first_output, tile);
}

#[cube(launch)]
fn dense_few<F: Float, W: Float, O: Float>(
    x: &[Quad<F>],
    weight: &[Quad<W>],
    out: &mut [O],
    m: usize,
    n: usize,
    quads: usize,
    #[comptime] tile: usize,
    #[define(F, W, O)] _dtypes: [ElemType; 3],
) {
    let first_output = (CUBE_POS_X as usize * TEAMS + UNIT_POS_Y as usize) * OUTPUTS;
    let first_row = CUBE_POS_Y as usize * tile;
    let mut sums = Array::<f32>::new(comptime!(tile * OUTPUTS));
    let mut inputs = Array::<Quad<f32>>::new(tile);
    #[unroll]
    for i in 0..comptime!(tile * OUTPUTS) {
        sums[i] = 0.0f32;
    }
    let mut quad = UNIT_POS_X as usize;
    while quad < quads {
        read_inputs::<F>(&mut inputs, x, quad, quads, first_row, m - 1, tile);
        #[unroll]
        for output in 0..OUTPUTS {
            let row = min(first_output + output, n - 1);
            accumulate(&mut sums, &inputs, Vector::cast_from(weight[row * quads + quad]), output, tile);
        }
        quad += LANES;
    }
    finish::<O>(&sums, out, m, n, first_row, first_output, tile);
}

/// Rows at a time for so many in all.
fn tile(m: usize) -> usize {
    m.next_power_of_two().min(TILE)
}

fn grid(m: usize, n: usize, tile: usize) -> (CubeCount, CubeDim) {
    let count = CubeCount::Static(n.div_ceil(TEAMS * OUTPUTS) as u32, m.div_ceil(tile) as u32, 1);
    (count, CubeDim::new_2d(LANES as u32, TEAMS as u32))
}

/// `x` `[m, cols]` times a packed matrix, transposed: `[m, rows]`.
pub(super) fn packed(x: &CubeTensor, packed: &Packed, out: DType) -> CubeTensor {
    let (m, n, tile) = (x.meta.shape()[0], packed.rows(), tile(x.meta.shape()[0]));
    let result = empty(x, Shape::new([m, n]), out);
    let (count, dim) = grid(m, n, tile);
    packed_few::launch(
        &x.client,
        count,
        dim,
        x.clone().into_buffer_arg(),
        packed.words.clone().into_buffer_arg(),
        packed.scales.clone().into_buffer_arg(),
        tables(x).into_buffer_arg(),
        result.clone().into_buffer_arg(),
        m,
        n,
        packed.cols,
        packed.layout,
        tile,
        [element(x.dtype), element(out)],
    );
    result
}

/// `x` `[m, cols]` times a dense matrix, transposed: `[m, rows]`; rows are made of fours.
pub(super) fn dense(x: &CubeTensor, weight: &CubeTensor, out: DType) -> CubeTensor {
    let (m, cols, n) = (x.meta.shape()[0], x.meta.shape()[1], weight.meta.shape()[0]);
    let tile = tile(m);
    let result = empty(x, Shape::new([m, n]), out);
    let (count, dim) = grid(m, n, tile);
    dense_few::launch(
        &x.client,
        count,
        dim,
        x.clone().into_buffer_arg(),
        weight.clone().into_buffer_arg(),
        result.clone().into_buffer_arg(),
        m,
        n,
        cols / 4,
        tile,
        [element(x.dtype), element(weight.dtype), element(out)],
    );
    result
}
