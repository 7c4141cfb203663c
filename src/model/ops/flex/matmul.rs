//! Products with packed weights. Few rows: each weight row is unpacked in registers and used at once. Many rows: panels
//! of weights are unpacked into the cache ([`super::product`]).

use std::{borrow::Cow, ops::Range};

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::x86::Strided;
use super::{
    dot::dot,
    product::{Left, Matrix, Right, Transposed, new_product},
    simd::{Simd, vectorized},
    tile::PANEL,
    transpose::transpose,
};
use crate::model::packed::{
    BLOCK, NF4, PackedLayout,
    layout::{NF4_BLOCK, NF4_ROW_HEAD, NF4_SCALE_BLOCK},
    nf4::decode_scale,
};

/// Up to so many rows of `x`, weights are unpacked in registers. Results for a row are then the same for any number of rows,
/// which generation relies on.
pub const FEW_ROWS: usize = 32;

/// Packed rows as the kernels read them.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedRows<'a> {
    /// Meaning of the codes.
    pub layout: PackedLayout,
    /// Codes.
    pub codes: &'a [u8],
    /// Bytes from row to row.
    pub stride: usize,
    /// [`PackedLayout::scales_per_block`] parameters for each block, row by row.
    pub scales: &'a [f32],
}

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
    /// Bytes of a row's codes.
    code_stride: usize,
    /// Bytes of a block's codes.
    block_codes: usize,
    /// Parameters of a block.
    block_scales: usize,
}

impl<'a> Weight<'a> {
    /// A view of the tensors' storage; `shape` is rows and columns.
    pub fn new(layout: PackedLayout, words: &'a [u32], scales: &'a [f32], shape: [usize; 2]) -> Self {
        let [rows, cols] = shape;
        let (code_stride, block_codes) = (layout.row_words(cols) * 4, layout.words_per_block() * 4);
        let (codes, block_scales) = (bytemuck::cast_slice(words), layout.scales_per_block());
        Self { layout, codes, scales, rows, cols, code_stride, block_codes, block_scales }
    }

    /// Some consecutive rows.
    fn slice(&self, first: usize, count: usize) -> Self {
        let (codes, scales) = (self.code_stride, self.layout.row_scales(self.cols));
        Self {
            codes: &self.codes[first * codes..(first + count) * codes],
            scales: &self.scales[first * scales..(first + count) * scales],
            rows: count,
            ..*self
        }
    }

    /// Codes of one block of a row.
    fn block_codes(&self, row: usize, block: usize) -> &'a [u8] {
        &self.codes[row * self.code_stride + block * self.block_codes..][..self.block_codes]
    }

    /// The scale of a block of an NF4 row.
    fn nf4_scale(&self, row: usize, block: usize) -> f32 {
        let at = block * BLOCK / NF4_BLOCK;
        let code = self.codes[row * self.code_stride + self.cols / BLOCK * self.block_codes + at];
        let count = self.layout.row_scales(self.cols);
        let scales = &self.scales[row * count..(row + 1) * count];
        let second = scales[NF4_ROW_HEAD + (scales[1] as usize + at) / NF4_SCALE_BLOCK];
        decode_scale(code, second, scales[0])
    }

    /// A scale for each block, where they are not held like that.
    fn scales_by_block(&self) -> Cow<'a, [f32]> {
        if self.layout != PackedLayout::Nf4 {
            return Cow::Borrowed(self.scales);
        }
        let rows = (0..self.rows).flat_map(|row| (0..self.cols / BLOCK).map(move |block| (row, block)));
        Cow::Owned(rows.map(|(row, block)| self.nf4_scale(row, block)).collect())
    }

    /// Writes the weights of one block of a row to `out`.
    #[inline]
    fn unpack_block(&self, simd: Simd, row: usize, block: usize, out: &mut [f32]) {
        let codes = self.block_codes(row, block);
        if self.layout == PackedLayout::Nf4 {
            return self.unpack(simd, codes, &[self.nf4_scale(row, block)], out);
        }
        let at = (row * (self.cols / BLOCK) + block) * self.block_scales;
        self.unpack(simd, codes, &self.scales[at..][..self.block_scales], out);
    }

    /// Writes the weights of one block of several rows to `out`, `[rows, BLOCK]`.
    fn unpack_rows(&self, simd: Simd, rows: Range<usize>, block: usize, out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if simd != Simd::Portable {
            let computed: Vec<f32>;
            let (scales, stride) = if self.layout == PackedLayout::Nf4 {
                computed = rows.clone().map(|row| self.nf4_scale(row, block)).collect();
                (&computed[..], 1)
            } else {
                let stride = self.cols / BLOCK * self.block_scales;
                (&self.scales[rows.start * stride + block * self.block_scales..], stride)
            };
            let codes = &self.codes[rows.start * self.code_stride + block * self.block_codes..];
            let codes = Strided { data: codes, stride: self.code_stride };
            let scales = Strided { data: scales, stride };
            // SAFETY: the processor has AVX2 and FMA, or it would be `Portable`.
            #[allow(unsafe_code)]
            unsafe {
                super::x86::unpack_rows(self.layout, codes, scales, &mut out[..rows.len() * BLOCK]);
            }
            return;
        }
        for (row, out) in rows.zip(out.chunks_exact_mut(BLOCK)) {
            self.unpack_block(simd, row, block, out);
        }
    }

    #[inline]
    fn unpack(&self, simd: Simd, codes: &[u8], scales: &[f32], out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if simd != Simd::Portable {
            // SAFETY: the processor has AVX2 and FMA, or it would be `Portable`.
            #[allow(unsafe_code)]
            unsafe {
                let (codes, scales) = (Strided { data: codes, stride: 0 }, Strided { data: scales, stride: 0 });
                super::x86::unpack_rows(self.layout, codes, scales, &mut out[..BLOCK]);
            }
            return;
        }
        unpack_block(self.layout, codes, scales, out);
    }
}

/// Wᵀ: outputs are columns.
struct Outputs<'a>(Weight<'a>);

impl Right for Outputs<'_> {
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        let mut square = [0.0_f32; PANEL * BLOCK];
        for (block, panel) in (depth.start / BLOCK..).zip(panel.chunks_exact_mut(BLOCK * PANEL)) {
            self.0.unpack_rows(simd, cols.clone(), block, &mut square);
            transpose(simd, (&square, BLOCK), (panel, PANEL), cols.len(), BLOCK);
        }
    }
}

/// W: inputs are columns. A panel is as wide as a block.
struct Inputs<'a>(Weight<'a>);

impl Right for Inputs<'_> {
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        self.0.unpack_rows(simd, depth, cols.start / BLOCK, panel);
    }
}

/// The portable form of unpacking a block.
fn unpack_block(layout: PackedLayout, codes: &[u8], scales: &[f32], out: &mut [f32]) {
    let nibble = |j: usize| if j < BLOCK / 2 { codes[j] & 15 } else { codes[j - BLOCK / 2] >> 4 };
    let high = |j: usize| match layout {
        PackedLayout::Q5 => (codes[16 + j / 8] >> (j % 8) & 1) << 4,
        PackedLayout::Q6 => (codes[16 + j % 8] >> (j / 8 * 2) & 3) << 4,
        _ => 0,
    };
    for (j, out) in out.iter_mut().take(BLOCK).enumerate() {
        *out = match layout {
            PackedLayout::Q4 | PackedLayout::Q5 => f32::from(nibble(j) | high(j)) * scales[0] + scales[1],
            PackedLayout::Q6 => (f32::from(nibble(j) | high(j)) - 32.0) * scales[j / (BLOCK / 2)],
            PackedLayout::Q8 => f32::from(codes[j].cast_signed()) * scales[0],
            PackedLayout::Nf4 => NF4[usize::from(nibble(j))] * scales[0],
        };
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
pub(super) fn deal_rows(m: usize, rows: usize, out: &mut [f32], products: impl Fn(usize, usize, &mut [f32]) + Sync) {
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
    let Weight { layout, codes, .. } = *weight;
    let (stride, scales) = (weight.code_stride, weight.scales_by_block());
    let packed = PackedRows { layout, codes, stride, scales: &scales };
    match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => {
            // SAFETY: the processor has what `simd` says.
            #[allow(unsafe_code)]
            unsafe {
                super::wide::dot_rows(packed, x, sums, m);
            }
        }
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => {
            // SAFETY: as above.
            #[allow(unsafe_code)]
            unsafe {
                super::x86::dot_rows(packed, x, sums, m);
            }
        }
        Simd::Portable => {
            let mut unpacked = vec![0.0; weight.cols];
            for (row, sums) in sums.chunks_exact_mut(m).enumerate() {
                for (block, out) in unpacked.chunks_exact_mut(BLOCK).enumerate() {
                    weight.unpack_block(simd, row, block, out);
                }
                for (x, sum) in x.chunks_exact(weight.cols).zip(sums) {
                    *sum = dot(x, &unpacked);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
