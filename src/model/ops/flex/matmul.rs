//! Products with packed weights. Few rows: each weight row is unpacked in registers and used at once. Many rows: panels
//! of weights are unpacked into the cache ([`super::product`]).

use std::ops::Range;

use rayon::prelude::*;

use super::{
    dot::dot,
    product::{Left, Matrix, Right, Transposed, new_product},
    simd::{Simd, vectorized},
    tile::PANEL,
    transpose::transpose,
};
use crate::model::packed::{BLOCK, PackedLayout};

/// Up to so many rows of `x`, weights are unpacked in registers. Results for a row are then the same for any number of rows,
/// which generation relies on.
pub const FEW_ROWS: usize = 32;

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

    /// Writes the weights of one block of a row to `out`.
    fn unpack_block(&self, simd: Simd, row: usize, block: usize, out: &mut [f32]) {
        let at = row * (self.cols / BLOCK) + block;
        let (codes, scales) = (self.layout.words_per_block() * 4, self.layout.scales_per_block());
        let (codes, scales) = (&self.codes[at * codes..][..codes], &self.scales[at * scales..][..scales]);
        #[cfg(target_arch = "x86_64")]
        if simd != Simd::Portable {
            // SAFETY: the processor has AVX2 and FMA, or it would be `Portable`.
            #[allow(unsafe_code)]
            unsafe {
                super::x86::unpack_row(self.layout, codes, scales, out);
            }
            return;
        }
        unpack_row(self.layout, codes, scales, out);
    }
}

/// Wᵀ: outputs are columns.
struct Outputs<'a>(Weight<'a>);

impl Right for Outputs<'_> {
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        let mut square = [0.0_f32; PANEL * BLOCK];
        for (block, panel) in (depth.start / BLOCK..).zip(panel.chunks_exact_mut(BLOCK * PANEL)) {
            for (row, out) in cols.clone().zip(square.chunks_exact_mut(BLOCK)) {
                self.0.unpack_block(simd, row, block, out);
            }
            transpose(simd, (&square, BLOCK), (panel, PANEL), cols.len(), BLOCK);
        }
    }
}

/// W: inputs are columns. A panel is as wide as a block.
struct Inputs<'a>(Weight<'a>);

impl Right for Inputs<'_> {
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        for (row, panel) in depth.zip(panel.chunks_exact_mut(PANEL)) {
            self.0.unpack_block(simd, row, cols.start / BLOCK, panel);
        }
    }
}

/// The portable form of unpacking.
fn unpack_row(layout: PackedLayout, codes: &[u8], scales: &[f32], out: &mut [f32]) {
    match layout {
        PackedLayout::Q4 => {
            let blocks = codes.chunks_exact(16).zip(scales.chunks_exact(2)).zip(out.chunks_exact_mut(BLOCK));
            for ((codes, scales), out) in blocks {
                let (low, high) = out.split_at_mut(BLOCK / 2);
                let (scale, min) = (scales[0], scales[1]);
                for ((code, low), high) in codes.iter().zip(low).zip(high) {
                    *low = f32::from(code & 15) * scale + min;
                    *high = f32::from(code >> 4) * scale + min;
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

/// Some rows as float32, `[ids, cols]`.
pub fn gather(weight: &Weight<'_>, ids: &[u32]) -> Vec<f32> {
    let (simd, mut out) = (Simd::widest(), vec![0.0; ids.len() * weight.cols]);
    for (&id, row) in ids.iter().zip(out.chunks_exact_mut(weight.cols)) {
        for (block, out) in row.chunks_exact_mut(BLOCK).enumerate() {
            weight.unpack_block(simd, id as usize, block, out);
        }
    }
    out
}

/// `x` `[m, cols]` · Wᵀ → `[m, rows]`.
pub fn matmul(x: &[f32], m: usize, weight: &Weight<'_>) -> Vec<f32> {
    matmul_by(Simd::widest(), x, m, weight)
}

fn matmul_by(simd: Simd, x: &[f32], m: usize, weight: &Weight<'_>) -> Vec<f32> {
    if m > FEW_ROWS {
        let left = Left::pack(simd, Matrix::new(x, m, weight.cols));
        return new_product(simd, &left, &Outputs(*weight), weight.rows);
    }
    let mut out = vec![0.0; m * weight.rows];
    few_rows(simd, x, m, weight, &mut out);
    out
}

/// `g` `[m, rows]` · W → `[m, cols]`.
pub fn matmul_transposed(g: &[f32], m: usize, weight: &Weight<'_>) -> Vec<f32> {
    matmul_transposed_by(Simd::widest(), g, m, weight)
}

fn matmul_transposed_by(simd: Simd, g: &[f32], m: usize, weight: &Weight<'_>) -> Vec<f32> {
    let left = Left::pack(simd, Matrix::new(g, m, weight.rows));
    new_product(simd, &left, &Inputs(*weight), weight.cols)
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
    if m > FEW_ROWS {
        let (simd, right) = (Simd::widest(), Transposed(Matrix::new(weight, rows, cols)));
        return new_product(simd, &Left::pack(simd, Matrix::new(x, m, cols)), &right, rows);
    }
    let mut out = vec![0.0; m * rows];
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
fn few_rows(simd: Simd, x: &[f32], m: usize, weight: &Weight<'_>, out: &mut [f32]) {
    assert!(x.len() == m * weight.cols, "shapes of a product do not fit");
    deal_rows(m, weight.rows, out, |first, count, sums| dot_rows(simd, x, m, &weight.slice(first, count), sums));
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
fn dot_rows(simd: Simd, x: &[f32], m: usize, weight: &Weight<'_>, sums: &mut [f32]) {
    let Weight { layout, codes, scales, .. } = *weight;
    match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => {
            // SAFETY: the processor has what `simd` says.
            #[allow(unsafe_code)]
            unsafe {
                super::wide::dot_rows(layout, codes, scales, x, sums, m);
            }
        }
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => {
            // SAFETY: as above.
            #[allow(unsafe_code)]
            unsafe {
                super::x86::dot_rows(layout, codes, scales, x, sums, m);
            }
        }
        Simd::Portable => {
            let mut unpacked = vec![0.0; weight.cols];
            for (row, sums) in sums.chunks_exact_mut(m).enumerate() {
                let row = weight.slice(row, 1);
                unpack_row(layout, row.codes, row.scales, &mut unpacked);
                for (x, sum) in x.chunks_exact(weight.cols).zip(sums) {
                    *sum = dot(x, &unpacked);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
