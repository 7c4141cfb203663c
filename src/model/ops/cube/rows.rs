//! Operations that look at one row at a time: a cube of units for a row where it is summed, a unit for a number elsewhere.

use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    super::layout::Heads,
    launch::{cube_each, element, elementwise, empty},
};

/// Units that share a row.
pub(super) const WIDTH: usize = 128;

/// The sum over all units of a cube, in each of them; `shared` has a place for each.
#[cube]
pub(super) fn cube_sum(value: f32, shared: &mut Shared<[f32]>) -> f32 {
    let unit = UNIT_POS_X as usize;
    // What an earlier sum left there may still be read.
    sync_cube();
    shared[unit] = value;
    sync_cube();
    #[unroll]
    for turn in 0..comptime!(WIDTH.ilog2() as usize) {
        let half = comptime!(WIDTH >> (turn + 1));
        if unit < half {
            let other = shared[unit + half];
            shared[unit] += other;
        }
        sync_cube();
    }
    shared[0]
}

/// The largest over all units of a cube, as [`cube_sum`].
#[cube]
pub(super) fn cube_max(value: f32, shared: &mut Shared<[f32]>) -> f32 {
    let unit = UNIT_POS_X as usize;
    sync_cube();
    shared[unit] = value;
    sync_cube();
    #[unroll]
    for turn in 0..comptime!(WIDTH.ilog2() as usize) {
        let half = comptime!(WIDTH >> (turn + 1));
        if unit < half {
            let other = shared[unit + half];
            shared[unit] = max(shared[unit], other);
        }
        sync_cube();
    }
    shared[0]
}

#[cube(launch)]
fn norm<F: Float>(
    x: &[F],
    weight: &[f32],
    out: &mut [F],
    rows: usize,
    cols: usize,
    eps: f32,
    #[define(F)] _dtype: ElemType,
) {
    if CUBE_POS >= rows {
        terminate!();
    }
    let start = CUBE_POS * cols;
    let mut shared = Shared::<[f32]>::new_slice(WIDTH);
    let mut squares = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < cols {
        let value = f32::cast_from(x[start + i]);
        squares += value * value;
        i += WIDTH;
    }
    let mean = cube_sum(squares, &mut shared) / f32::cast_from(cols as u32);
    let inverse = 1.0f32 / (mean + eps).sqrt();
    let mut i = UNIT_POS_X as usize;
    while i < cols {
        out[start + i] = F::cast_from(f32::cast_from(x[start + i]) * inverse * weight[i]);
        i += WIDTH;
    }
}

#[cube(launch)]
fn norm_backward<F: Float>(
    g: &[F],
    x: &[F],
    weight: &[f32],
    out: &mut [F],
    rows: usize,
    cols: usize,
    eps: f32,
    #[define(F)] _dtype: ElemType,
) {
    if CUBE_POS >= rows {
        terminate!();
    }
    let start = CUBE_POS * cols;
    let mut shared = Shared::<[f32]>::new_slice(WIDTH);
    let mut squares = 0.0f32;
    let mut overlaps = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < cols {
        let value = f32::cast_from(x[start + i]);
        squares += value * value;
        overlaps += value * f32::cast_from(g[start + i]) * weight[i];
        i += WIDTH;
    }
    let count = f32::cast_from(cols as u32);
    let inverse = 1.0f32 / (cube_sum(squares, &mut shared) / count + eps).sqrt();
    let overlap = cube_sum(overlaps, &mut shared) / count * inverse * inverse * inverse;
    let mut i = UNIT_POS_X as usize;
    while i < cols {
        let weighted = f32::cast_from(g[start + i]) * weight[i];
        out[start + i] = F::cast_from(weighted * inverse - f32::cast_from(x[start + i]) * overlap);
        i += WIDTH;
    }
}

/// See [`super::super::rms_norm`].
pub(super) fn rms_norm(x: &CubeTensor, weight: &CubeTensor, eps: f32) -> CubeTensor {
    let [rows, cols] = x.meta.shape().dims();
    let out = empty(x, Shape::new([rows, cols]), x.dtype);
    norm::launch(
        &x.client,
        cube_each(rows),
        CubeDim::new_1d(WIDTH as u32),
        x.clone().into_buffer_arg(),
        weight.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows,
        cols,
        eps,
        element(x.dtype),
    );
    out
}

/// See [`super::super::rms_norm_backward`].
pub(super) fn rms_norm_backward(g: &CubeTensor, x: &CubeTensor, weight: &CubeTensor, eps: f32) -> CubeTensor {
    let [rows, cols] = x.meta.shape().dims();
    let out = empty(x, Shape::new([rows, cols]), x.dtype);
    norm_backward::launch(
        &x.client,
        cube_each(rows),
        CubeDim::new_1d(WIDTH as u32),
        g.clone().into_buffer_arg(),
        x.clone().into_buffer_arg(),
        weight.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows,
        cols,
        eps,
        element(x.dtype),
    );
    out
}

/// A unit turns a pair of numbers, or copies two of a value head.
#[cube(launch)]
fn rotate<F: Float>(
    qkv: &[F],
    cos: &[f32],
    sin: &[f32],
    out: &mut [F],
    width: usize,
    units: usize,
    sign: f32,
    #[comptime] rotated: usize,
    #[comptime] dim: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let half = comptime!(dim / 2);
    let (row, rest) = (ABSOLUTE_POS / (width / 2), ABSOLUTE_POS % (width / 2));
    let (head, pair) = (rest / half, rest % half);
    let at = row * width + head * dim + pair;
    let first = f32::cast_from(qkv[at]);
    let second = f32::cast_from(qkv[at + half]);
    if head < rotated {
        let c = cos[row * half + pair];
        let s = sin[row * half + pair] * sign;
        out[at] = F::cast_from(first * c - second * s);
        out[at + half] = F::cast_from(second * c + first * s);
    } else {
        out[at] = qkv[at];
        out[at + half] = qkv[at + half];
    }
}

/// See [`super::super::rope`].
pub(super) fn rope(qkv: &CubeTensor, cos: &CubeTensor, sin: &CubeTensor, heads: Heads, inverse: bool) -> CubeTensor {
    let [rows, width] = qkv.meta.shape().dims();
    let out = empty(qkv, Shape::new([rows, width]), qkv.dtype);
    let units = rows * width / 2;
    let (count, dim) = elementwise(qkv, units);
    rotate::launch(
        &qkv.client,
        count,
        dim,
        qkv.clone().into_buffer_arg(),
        cos.clone().into_buffer_arg(),
        sin.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        width,
        units,
        if inverse { -1.0 } else { 1.0 },
        heads.q + heads.kv,
        heads.dim,
        element(qkv.dtype),
    );
    out
}

#[cube(launch)]
fn gated<F: Float>(gate_up: &[F], out: &mut [F], inner: usize, units: usize, #[define(F)] _dtype: ElemType) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let at = ABSOLUTE_POS / inner * inner * 2 + ABSOLUTE_POS % inner;
    let gate = f32::cast_from(gate_up[at]);
    let up = f32::cast_from(gate_up[at + inner]);
    out[ABSOLUTE_POS] = F::cast_from(gate * up / (1.0f32 + (-gate).exp()));
}

#[cube(launch)]
fn gated_backward<F: Float>(
    g: &[F],
    gate_up: &[F],
    out: &mut [F],
    inner: usize,
    units: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let at = ABSOLUTE_POS / inner * inner * 2 + ABSOLUTE_POS % inner;
    let grad = f32::cast_from(g[ABSOLUTE_POS]);
    let gate = f32::cast_from(gate_up[at]);
    let up = f32::cast_from(gate_up[at + inner]);
    let share = 1.0f32 / (1.0f32 + (-gate).exp());
    out[at] = F::cast_from(grad * up * share * (1.0f32 + gate * (1.0f32 - share)));
    out[at + inner] = F::cast_from(grad * gate * share);
}

/// See [`super::super::swiglu`].
pub(super) fn swiglu(gate_up: &CubeTensor) -> CubeTensor {
    let [rows, width] = gate_up.meta.shape().dims();
    let inner = width / 2;
    let out = empty(gate_up, Shape::new([rows, inner]), gate_up.dtype);
    let units = rows * inner;
    let (count, dim) = elementwise(gate_up, units);
    gated::launch(
        &gate_up.client,
        count,
        dim,
        gate_up.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        inner,
        units,
        element(gate_up.dtype),
    );
    out
}

/// See [`super::super::swiglu_backward`].
pub(super) fn swiglu_backward(g: &CubeTensor, gate_up: &CubeTensor) -> CubeTensor {
    let [rows, width] = gate_up.meta.shape().dims();
    let inner = width / 2;
    let out = empty(gate_up, Shape::new([rows, width]), gate_up.dtype);
    let units = rows * inner;
    let (count, dim) = elementwise(gate_up, units);
    gated_backward::launch(
        &gate_up.client,
        count,
        dim,
        g.clone().into_buffer_arg(),
        gate_up.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        inner,
        units,
        element(gate_up.dtype),
    );
    out
}
