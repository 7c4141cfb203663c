//! Products with packed weights. Few rows: each weight row is unpacked in registers and used at once. Many rows: panels
//! of weight rows are unpacked in parallel and multiplied by the `gemm` crate.

use rayon::prelude::*;

use super::{
    dot::dot,
    gemm::{Into, Output, View, gemm},
    simd::vectorized,
};
use crate::model::packed::{BLOCK, PackedLayout};

/// Up to so many rows of `x`, weights are unpacked in registers. Results for a row are then the same for any number of rows,
/// which generation relies on.
pub const FEW_ROWS: usize = 32;

/// Weight rows that are unpacked at a time; with 1536 columns they take 2.3 MB.
const PANEL_ROWS: usize = 384;

/// A packed `[rows, cols]` matrix on the host.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    /// Meaning of the codes.
    pub layout: PackedLayout,
    /// Codes of all blocks, row by row.
    pub codes: &'a [u8],
    /// Parameters of all blocks, row by row.
    pub scales: &'a [f32],
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
}

impl<'a> Weight<'a> {
    /// A view of the tensors' storage.
    pub fn new(layout: PackedLayout, words: &'a [u32], scales: &'a [f32], rows: usize) -> Self {
        let cols = scales.len() / rows.max(1) / layout.scales_per_block() * BLOCK;
        Self { layout, codes: bytemuck::cast_slice(words), scales, rows, cols }
    }

    /// Some consecutive rows.
    fn slice(&self, first: usize, count: usize) -> Self {
        let blocks = self.cols / BLOCK;
        let (codes, scales) = (blocks * self.layout.words_per_block() * 4, blocks * self.layout.scales_per_block());
        Self {
            codes: &self.codes[first * codes..(first + count) * codes],
            scales: &self.scales[first * scales..(first + count) * scales],
            rows: count,
            ..*self
        }
    }

    /// Writes a row's weights to `out`.
    fn unpack_row(&self, row: usize, out: &mut [f32]) {
        let Self { codes, scales, .. } = self.slice(row, 1);
        #[cfg(target_arch = "x86_64")]
        if super::simd::has_avx2() {
            // SAFETY: the processor has AVX2 and FMA.
            #[allow(unsafe_code)]
            unsafe {
                super::x86::unpack_row(self.layout, codes, scales, out);
            }
            return;
        }
        unpack_row(self.layout, codes, scales, out);
    }

    /// Unpacks consecutive rows in parallel.
    fn unpack(&self, first: usize, out: &mut [f32]) {
        out.par_chunks_mut(self.cols * 16).enumerate().for_each(|(chunk, out)| {
            for (i, out) in out.chunks_exact_mut(self.cols).enumerate() {
                self.unpack_row(first + chunk * 16 + i, out);
            }
        });
    }
}

/// The portable form of unpacking.
fn unpack_row(layout: PackedLayout, codes: &[u8], scales: &[f32], out: &mut [f32]) {
    match layout {
        PackedLayout::Q4 => {
            let blocks = codes.chunks_exact(16).zip(scales.chunks_exact(2)).zip(out.chunks_exact_mut(BLOCK));
            for ((codes, scales), out) in blocks {
                let (low, high) = out.split_at_mut(BLOCK / 2);
                for ((code, low), high) in codes.iter().zip(low).zip(high) {
                    *low = f32::from(code & 15) * scales[0] + scales[1];
                    *high = f32::from(code >> 4) * scales[0] + scales[1];
                }
            }
        }
        PackedLayout::Q8 => {
            for ((codes, scale), out) in codes.chunks_exact(BLOCK).zip(scales).zip(out.chunks_exact_mut(BLOCK)) {
                for (code, out) in codes.iter().zip(out) {
                    *out = f32::from(code.cast_signed()) * scale;
                }
            }
        }
    }
}

/// `x` `[m, cols]` · Wᵀ → `[m, rows]`.
pub fn matmul(x: &[f32], m: usize, weight: &Weight<'_>) -> Vec<f32> {
    let mut out = vec![0.0; m * weight.rows];
    if m <= FEW_ROWS {
        few_rows(x, m, weight, &mut out);
        return out;
    }
    let mut panel = vec![0.0; PANEL_ROWS.min(weight.rows) * weight.cols];
    for first in (0..weight.rows).step_by(PANEL_ROWS) {
        let count = PANEL_ROWS.min(weight.rows - first);
        let panel = &mut panel[..count * weight.cols];
        weight.unpack(first, panel);
        let output = Output { data: &mut out[first..], row_stride: weight.rows, into: Into::Replace };
        let (lhs, rhs) = (View::new(x, m, weight.cols, weight.cols), View::new(panel, count, weight.cols, weight.cols));
        gemm(output, lhs, rhs.transposed(), 1.0, true);
    }
    out
}

/// `g` `[m, rows]` · W → `[m, cols]`.
pub fn matmul_transposed(g: &[f32], m: usize, weight: &Weight<'_>) -> Vec<f32> {
    let mut out = vec![0.0; m * weight.cols];
    let mut panel = vec![0.0; PANEL_ROWS.min(weight.rows) * weight.cols];
    for first in (0..weight.rows).step_by(PANEL_ROWS) {
        let count = PANEL_ROWS.min(weight.rows - first);
        let panel = &mut panel[..count * weight.cols];
        weight.unpack(first, panel);
        let into = if first == 0 { Into::Replace } else { Into::Add };
        let output = Output { data: &mut out, row_stride: weight.cols, into };
        let lhs = View::new(&g[first..], m, count, weight.rows);
        gemm(output, lhs, View::new(panel, count, weight.cols, weight.cols), 1.0, true);
    }
    out
}

vectorized! {
    /// Products of dense rows `[rows, cols]` with all rows of `x` `[m, cols]`: `sums` `[rows, m]`.
    fn dense_rows(weight: &[f32], x: &[f32], sums: &mut [f32], m: usize) {
        let cols = x.len() / m;
        for (weight, sums) in weight.chunks_exact(cols).zip(sums.chunks_exact_mut(m)) {
            for (x, sum) in x.chunks_exact(cols).zip(sums) {
                *sum = dot(x, weight);
            }
        }
    }
}

/// `x` `[m, cols]` · Wᵀ → `[m, rows]` for dense `[rows, cols]`.
pub fn dense(x: &[f32], m: usize, weight: &[f32], rows: usize) -> Vec<f32> {
    let cols = x.len() / m.max(1);
    let mut out = vec![0.0; m * rows];
    if m > FEW_ROWS {
        let output = Output { data: &mut out, row_stride: rows, into: Into::Replace };
        gemm(output, View::new(x, m, cols, cols), View::new(weight, rows, cols, cols).transposed(), 1.0, true);
        return out;
    }
    deal_rows(m, rows, &mut out, |first, count, sums| {
        dense_rows(&weight[first * cols..(first + count) * cols], x, sums, m);
    });
    out
}

/// A pointer into an output of which every task writes its own columns.
struct Columns(*mut f32);
// SAFETY: tasks write disjoint elements, and the output outlives them.
#[allow(unsafe_code)]
unsafe impl Sync for Columns {}

impl Columns {
    fn write(&self, at: usize, value: f32) {
        // SAFETY: `deal_rows` passes positions below m · rows, each from one task only.
        #[allow(unsafe_code)]
        unsafe {
            self.0.add(at).write(value);
        }
    }
}

/// [`matmul`] for few rows of `x`: weight rows are dealt out to the threads.
fn few_rows(x: &[f32], m: usize, weight: &Weight<'_>, out: &mut [f32]) {
    assert!(x.len() == m * weight.cols, "shapes of a product do not fit");
    deal_rows(m, weight.rows, out, |first, count, sums| dot_rows(x, m, &weight.slice(first, count), sums));
}

/// Deals `rows` weight rows out to the threads; `products` fills `[count, m]` sums for rows from `first` on, which go to
/// `out` `[m, rows]`.
fn deal_rows(m: usize, rows: usize, out: &mut [f32], products: impl Fn(usize, usize, &mut [f32]) + Sync) {
    assert!(out.len() == m * rows, "output of a product has the wrong size");
    let columns = Columns(out.as_mut_ptr());
    let task_rows = rows.div_ceil(rayon::current_num_threads() * 4).max(16);
    (0..rows.div_ceil(task_rows)).into_par_iter().for_each(|task| {
        let first = task * task_rows;
        let count = task_rows.min(rows - first);
        let mut sums = vec![0.0; count * m];
        products(first, count, &mut sums);
        for (row, sums) in sums.chunks_exact(m).enumerate() {
            for (i, &sum) in sums.iter().enumerate() {
                columns.write(i * rows + first + row, sum);
            }
        }
    });
}

/// The products of some weight rows with all rows of `x`, `[rows, m]`.
fn dot_rows(x: &[f32], m: usize, weight: &Weight<'_>, sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if super::simd::has_avx2() {
        // SAFETY: the processor has AVX2 and FMA.
        #[allow(unsafe_code)]
        unsafe {
            super::x86::dot_rows(weight.layout, weight.codes, weight.scales, x, sums, m);
        }
        return;
    }
    let mut unpacked = vec![0.0; weight.cols];
    for (row, sums) in sums.chunks_exact_mut(m).enumerate() {
        weight.unpack_row(row, &mut unpacked);
        for (x, sum) in x.chunks_exact(weight.cols).zip(sums) {
            *sum = dot(x, &unpacked);
        }
    }
}

#[cfg(test)]
mod tests;
