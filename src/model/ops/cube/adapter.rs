//! Low-rank adapters on GPU: the products with A and for the gradients are burn's; what B adds to the outputs is added where they are.

use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    super::layout::AdapterLayout,
    launch::{element, elementwise, to_write},
    product,
};

/// A unit adds to one number of the outputs, from the part of `lifted` that belongs to its projection.
#[cube(launch)]
fn add_lifted<F: Float, L: Float>(
    y: &mut [F],
    lifted: &[L],
    flipped: &[f32],
    first_end: usize,
    second_end: usize,
    width: usize,
    units: usize,
    #[comptime] rank: usize,
    #[comptime] projections: usize,
    #[define(F, L)] _dtypes: [ElemType; 2],
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let (row, column) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let mut projection = 0usize;
    if column >= first_end {
        projection += 1;
    }
    if column >= second_end {
        projection += 1;
    }
    let at = row * comptime!(projections * rank) + projection * rank;
    let mut sum = f32::cast_from(y[ABSOLUTE_POS]);
    for i in 0..rank {
        sum += f32::cast_from(lifted[at + i]) * flipped[i * width + column];
    }
    y[ABSOLUTE_POS] = F::cast_from(sum);
}

/// See [`super::super::add_adapter`]; `y` is written in place unless something else holds it.
pub(super) fn add_adapter(
    y: CubeTensor,
    x: &CubeTensor,
    a: &CubeTensor,
    flipped: &CubeTensor,
    layout: &AdapterLayout,
) -> CubeTensor {
    let y = to_write(y);
    let [rows, width] = y.meta.shape().dims();
    if rows == 0 {
        return y;
    }
    let lifted = product::dense(x, a, DType::F32);
    // q, k and v at most are stacked. Where there are fewer, no column lies behind what is not there.
    let ends: Vec<usize> = layout.columns().into_iter().map(|(start, width)| start + width).collect();
    let end = |projection: usize| ends.get(projection).copied().unwrap_or(width);
    let (count, dim) = elementwise(&y, rows * width);
    add_lifted::launch(
        &y.client,
        count,
        dim,
        y.clone().into_buffer_arg(),
        lifted.clone().into_buffer_arg(),
        flipped.clone().into_buffer_arg(),
        end(0),
        end(1),
        width,
        rows * width,
        layout.r,
        layout.widths.len(),
        [element(y.dtype), element(lifted.dtype)],
    );
    y
}
