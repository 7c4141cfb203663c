//! Packed rows to floats: some rows by their numbers (embeddings), or a range of them into scratch memory for a product on tensor
//! cores.

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::{
    launch::{element, elementwise, empty, numbers_of, tables},
    unpack::{QUADS, Quad, packed_row, unpack},
};
use crate::model::packed::{BLOCK, PackedLayout};

/// A packed matrix, or a range of its rows.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    pub words: CubeTensor,
    pub scales: CubeTensor,
    pub layout: PackedLayout,
    pub cols: usize,
}

impl Packed {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.words.meta.shape()[0]
    }
}

/// A unit writes a block: row `ids[i]` of the matrix to row i.
#[cube(launch)]
fn dequantize_rows<F: Float>(
    words: &[u32],
    scales: &[f32],
    tables: &[f32],
    ids: &[u32],
    out: &mut [Quad<F>],
    cols: usize,
    units: usize,
    start: usize,
    #[comptime] by_id: bool,
    #[comptime] layout: PackedLayout,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let blocks = cols / 32;
    let (target, block) = (ABSOLUTE_POS / blocks, ABSOLUTE_POS % blocks);
    let mut source = start + target;
    if by_id {
        source = ids[target] as usize;
    }
    let row = packed_row(source, cols, layout);
    #[unroll]
    for quad in 0..QUADS {
        let weights = unpack(words, scales, tables, &row, block, cols, quad, layout);
        out[ABSOLUTE_POS * QUADS + quad] = Vector::cast_from(weights);
    }
}

fn launch(packed: &Packed, ids: Option<&[u32]>, start: usize, rows: usize, dtype: DType) -> CubeTensor {
    let Packed { words, scales, layout, cols } = packed;
    let out = empty(words, Shape::new([rows, *cols]), dtype);
    let units = rows * cols / BLOCK;
    if units == 0 {
        return out;
    }
    let (count, dim) = elementwise(words, units);
    dequantize_rows::launch(
        &words.client,
        count,
        dim,
        words.clone().into_buffer_arg(),
        scales.clone().into_buffer_arg(),
        tables(words).into_buffer_arg(),
        numbers_of(words, ids.unwrap_or(&[0])),
        out.clone().into_buffer_arg(),
        *cols,
        units,
        start,
        ids.is_some(),
        *layout,
        element(dtype),
    );
    out
}

/// Rows by number, `[ids, cols]`.
pub(super) fn gather(packed: &Packed, ids: &[u32], dtype: DType) -> CubeTensor {
    launch(packed, Some(ids), 0, ids.len(), dtype)
}

/// Rows `start` to `start + rows`, `[rows, cols]`.
pub(super) fn range(packed: &Packed, start: usize, rows: usize, dtype: DType) -> CubeTensor {
    launch(packed, None, start, rows, dtype)
}
