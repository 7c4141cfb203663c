//! Log-softmax over the vocabulary, a cube for a row.

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    super::HeadToken,
    launch::{cube_each, elementwise, empty, floats, numbers_of},
    rows::{WIDTH, cube_max, cube_sum},
};

#[cube(launch)]
fn statistics(logits: &[f32], log_sums: &mut [f32], entropies: &mut [f32], rows: usize, cols: usize) {
    let row = CUBE_POS;
    if row >= rows {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(WIDTH);
    let mut largest = f32::new(-1e30);
    let mut i = UNIT_POS_X as usize;
    while i < cols {
        largest = max(largest, logits[row * cols + i]);
        i += WIDTH;
    }
    let largest = cube_max(largest, &mut shared);
    let mut sum = 0.0f32;
    let mut weighted = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < cols {
        let shifted = logits[row * cols + i] - largest;
        let exponential = shifted.exp();
        sum += exponential;
        weighted += exponential * shifted;
        i += WIDTH;
    }
    let sum = cube_sum(sum, &mut shared);
    let weighted = cube_sum(weighted, &mut shared);
    if UNIT_POS_X == 0 {
        let log_sum = sum.ln();
        log_sums[row] = log_sum + largest;
        entropies[row] = log_sum - weighted / sum;
    }
}

/// See [`super::super::logit_statistics`].
pub(super) fn logit_statistics(logits: &CubeTensor) -> (CubeTensor, CubeTensor) {
    let [rows, cols] = logits.meta.shape().dims();
    let column = || empty(logits, Shape::new([rows, 1]), DType::F32);
    let (log_sums, entropies) = (column(), column());
    statistics::launch(
        &logits.client,
        cube_each(rows),
        CubeDim::new_1d(WIDTH as u32),
        logits.clone().into_buffer_arg(),
        log_sums.clone().into_buffer_arg(),
        entropies.clone().into_buffer_arg(),
        rows,
        cols,
    );
    (log_sums, entropies)
}

#[cube(launch)]
fn spread(logits: &[f32], log_sums: &[f32], row_grads: &[f32], out: &mut [f32], cols: usize, units: usize) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let row = ABSOLUTE_POS / cols;
    out[ABSOLUTE_POS] = (logits[ABSOLUTE_POS] - log_sums[row]).exp() * (0.0f32 - row_grads[row]);
}

/// A unit for a row: several of its tokens may be the same, and sums must not depend on who comes first.
#[cube(launch)]
fn add_chosen(starts: &[u32], ids: &[u32], grads: &[f32], out: &mut [f32], cols: usize, rows: usize) {
    if ABSOLUTE_POS >= rows {
        terminate!();
    }
    for token in starts[ABSOLUTE_POS] as usize..starts[ABSOLUTE_POS + 1] as usize {
        out[ABSOLUTE_POS * cols + ids[token] as usize] += grads[token];
    }
}

/// See [`super::super::logits_backward`].
pub(super) fn logits_backward(
    logits: &CubeTensor,
    log_sums: &CubeTensor,
    tokens: &[HeadToken],
    grads: &[f32],
) -> CubeTensor {
    let [rows, cols] = logits.meta.shape().dims();
    let out = empty(logits, Shape::new([rows, cols]), DType::F32);
    let mut row_grads = vec![0.0_f32; rows];
    for (token, grad) in tokens.iter().zip(grads) {
        row_grads[token.row] += grad;
    }
    let (count, dim) = elementwise(logits, rows * cols);
    spread::launch(
        &logits.client,
        count,
        dim,
        logits.clone().into_buffer_arg(),
        log_sums.clone().into_buffer_arg(),
        floats(logits, &row_grads),
        out.clone().into_buffer_arg(),
        cols,
        rows * cols,
    );
    if tokens.is_empty() {
        return out;
    }
    let mut by_row: Vec<(HeadToken, f32)> = tokens.iter().copied().zip(grads.iter().copied()).collect();
    by_row.sort_by_key(|(token, _)| token.row);
    let starts: Vec<u32> = (0..=rows).map(|row| by_row.partition_point(|(t, _)| t.row < row) as u32).collect();
    let ids: Vec<u32> = by_row.iter().map(|(token, _)| token.id as u32).collect();
    let grads: Vec<f32> = by_row.iter().map(|(_, grad)| *grad).collect();
    let (count, dim) = elementwise(logits, rows);
    add_chosen::launch(
        &logits.client,
        count,
        dim,
        numbers_of(logits, &starts),
        numbers_of(logits, &ids),
        floats(logits, &grads),
        out.clone().into_buffer_arg(),
        cols,
        rows,
    );
    out
}
