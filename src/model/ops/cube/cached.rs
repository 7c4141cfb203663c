//! Attention of single new rows over cached keys and values: a cube for each sequence and head, with a running softmax over 128 keys at a
//! time.

use std::sync::Arc;

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    super::layout::{CacheRow, Heads},
    attention::HeadShape,
    launch::{element, elementwise, empty, numbers_from, to_write},
    rows::{WIDTH, cube_max, cube_sum},
};

/// Writes the new rows' keys and values behind their sequences' own rows.
#[cube(launch)]
fn store<F: Float>(
    qkv: &[F],
    rows: &[u32],
    own: &mut [F],
    units: usize,
    #[comptime] heads: HeadShape,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let width = comptime!(2 * heads.kv * heads.dim);
    let (row, column) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let at = (rows[row * 4 + 2] + rows[row * 4 + 3]) as usize;
    own[at * width + column] = qkv[row * comptime!(heads.width()) + comptime!(heads.key_column()) + column];
}

#[cube(launch)]
fn attend<F: Float>(
    qkv: &[F],
    prompts: &[F],
    own: &[F],
    rows: &[u32],
    out: &mut [F],
    log_sums: &mut [f32],
    scale: f32,
    #[comptime] heads: HeadShape,
    #[define(F)] _dtype: ElemType,
) {
    let (row, head) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let dim = comptime!(heads.dim);
    let width = comptime!(2 * heads.kv * heads.dim);
    let key_column = head / comptime!(heads.group()) * dim;
    let value_column = comptime!(heads.kv * heads.dim) + key_column;
    let unit = UNIT_POS_X as usize;
    let (prompt_start, prompt_rows) = (rows[row * 4] as usize, rows[row * 4 + 1] as usize);
    let own_start = rows[row * 4 + 2] as usize;
    let count = prompt_rows + rows[row * 4 + 3] as usize + 1;

    let mut query = Shared::<[f32]>::new_slice(dim);
    let mut weights = Shared::<[f32]>::new_slice(WIDTH);
    let mut meeting = Shared::<[f32]>::new_slice(WIDTH);
    let mut i = unit;
    while i < dim {
        query[i] = f32::cast_from(qkv[row * comptime!(heads.width()) + head * dim + i]) * scale;
        i += WIDTH;
    }
    sync_cube();
    let turns = comptime!(heads.dim.div_ceil(WIDTH));
    let mut sums = Array::<f32>::new(turns);
    #[unroll]
    for turn in 0..turns {
        sums[turn] = 0.0f32;
    }
    let mut top = f32::new(-1e30);
    let mut total = 0.0f32;
    let mut first = 0usize;
    while first < count {
        let here = min(count - first, WIDTH);
        let mut score = f32::new(-1e30);
        if unit < here {
            let key = first + unit;
            let mut sum = 0.0f32;
            if key < prompt_rows {
                let at = (prompt_start + key) * width + key_column;
                for d in 0..dim {
                    sum += query[d] * f32::cast_from(prompts[at + d]);
                }
            } else {
                let at = (own_start + key - prompt_rows) * width + key_column;
                for d in 0..dim {
                    sum += query[d] * f32::cast_from(own[at + d]);
                }
            }
            score = sum;
        }
        let highest = max(top, cube_max(score, &mut meeting));
        let mut weight = 0.0f32;
        if unit < here {
            weight = (score - highest).exp();
        }
        let shrink = (top - highest).exp();
        weights[unit] = weight;
        total = total * shrink + cube_sum(weight, &mut meeting);
        top = highest;
        #[unroll]
        for turn in 0..turns {
            let column = unit + turn * WIDTH;
            let mut sum = sums[turn] * shrink;
            if column < dim {
                for j in 0..here {
                    let key = first + j;
                    if key < prompt_rows {
                        sum +=
                            weights[j] * f32::cast_from(prompts[(prompt_start + key) * width + value_column + column]);
                    } else {
                        let at = (own_start + key - prompt_rows) * width + value_column + column;
                        sum += weights[j] * f32::cast_from(own[at]);
                    }
                }
            }
            sums[turn] = sum;
        }
        // The weights are read before the next ones take their place.
        sync_cube();
        first += WIDTH;
    }
    #[unroll]
    for turn in 0..turns {
        let column = unit + turn * WIDTH;
        if column < dim {
            out[row * comptime!(heads.q * heads.dim) + head * dim + column] = F::cast_from(sums[turn] / total);
        }
    }
    if unit == 0 {
        log_sums[row * comptime!(heads.q) + head] = total.ln() + top;
    }
}

/// Four numbers for each row, as the kernels read them.
#[allow(clippy::ptr_arg)] // What the rows are shared as.
fn numbers_of_rows(rows: &Vec<CacheRow>) -> Vec<u32> {
    let fields = |row: &CacheRow| [row.prompt_start, row.prompt_rows, row.own_start, row.own_rows];
    rows.iter().flat_map(fields).map(|n| n as u32).collect()
}

/// See [`super::super::cached_attention`]. `own` is written in place unless something else holds it.
pub(super) fn cached_attention(
    qkv: &CubeTensor,
    prompts: &CubeTensor,
    own: CubeTensor,
    heads: Heads,
    rows: &Arc<Vec<CacheRow>>,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let own = to_write(own);
    let out = empty(qkv, Shape::new([rows.len(), heads.q_width()]), qkv.dtype);
    let log_sums = empty(qkv, Shape::new([rows.len(), heads.q]), DType::F32);
    if rows.is_empty() {
        return (out, log_sums, own);
    }
    let numbers = numbers_from(qkv, rows, numbers_of_rows);
    let (shape, dtype) = (HeadShape::from(heads), element(qkv.dtype));
    let units = rows.len() * heads.kv_width();
    let (count, dim) = elementwise(qkv, units);
    store::launch(
        &qkv.client,
        count,
        dim,
        qkv.clone().into_buffer_arg(),
        numbers.clone().into_buffer_arg(),
        own.clone().into_buffer_arg(),
        units,
        shape,
        dtype,
    );
    attend::launch(
        &qkv.client,
        CubeCount::Static(rows.len() as u32, heads.q as u32, 1),
        CubeDim::new_1d(WIDTH as u32),
        qkv.clone().into_buffer_arg(),
        prompts.clone().into_buffer_arg(),
        own.clone().into_buffer_arg(),
        numbers.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        log_sums.clone().into_buffer_arg(),
        heads.scale(),
        shape,
        dtype,
    );
    (out, log_sums, own)
}
