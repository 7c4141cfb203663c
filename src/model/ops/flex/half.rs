//! Products with weights of 16 bits, which become float32 a few rows or a panel at a time.

use std::ops::Range;

use half::{bf16, f16, slice::HalfFloatSliceExt};

use super::{
    dot::dot,
    matmul::{FEW_ROWS, deal_rows},
    product::{Left, Matrix, Right, new_product},
    simd::{Simd, vectorized},
    tile::PANEL,
    transpose::transpose,
};

/// Depth that is widened and turned at a time.
const STEP: usize = 32;

/// A floating-point number of 16 bits.
pub trait Half: Copy + Sync {
    /// Widens a slice into one of equal length.
    fn widen(from: &[Self], to: &mut [f32]);
}

impl Half for f16 {
    fn widen(from: &[Self], to: &mut [f32]) {
        from.convert_to_f32_slice(to);
    }
}

impl Half for bf16 {
    fn widen(from: &[Self], to: &mut [f32]) {
        widen_bf16(from, to);
    }
}

vectorized! {
    /// A bfloat16 is the upper half of a float32.
    fn widen_bf16(from: &[bf16], to: &mut [f32]) {
        for (from, to) in from.iter().zip(to) {
            *to = f32::from_bits(u32::from(from.to_bits()) << 16);
        }
    }
}

/// Row-major weights.
struct Weights<'a, H> {
    data: &'a [H],
    cols: usize,
}

/// Wᵀ: outputs are columns.
struct Outputs<'a, H>(Weights<'a, H>);

impl<H: Half> Right for Outputs<'_, H> {
    fn pack(&self, simd: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        let mut square = [0.0_f32; PANEL * STEP];
        for start in depth.clone().step_by(STEP) {
            let steps = STEP.min(depth.end - start);
            for (row, out) in cols.clone().zip(square.chunks_exact_mut(STEP)) {
                H::widen(&self.0.data[row * self.0.cols + start..][..steps], &mut out[..steps]);
            }
            let to = &mut panel[(start - depth.start) * PANEL..];
            transpose(simd, (&square, STEP), (to, PANEL), cols.len(), steps);
        }
    }
}

/// W: inputs are columns.
struct Inputs<'a, H>(Weights<'a, H>);

impl<H: Half> Right for Inputs<'_, H> {
    fn pack(&self, _: Simd, depth: Range<usize>, cols: Range<usize>, panel: &mut [f32]) {
        for (row, panel) in depth.zip(panel.chunks_exact_mut(PANEL)) {
            let from = &self.0.data[row * self.0.cols..][cols.clone()];
            H::widen(from, &mut panel[..cols.len()]);
        }
    }
}

/// `x` `[m, cols]` · Wᵀ → `[m, rows]` for `[rows, cols]`.
pub fn matmul<H: Half>(x: &[f32], m: usize, data: &[H], rows: usize) -> Vec<f32> {
    let cols = x.len() / m.max(1);
    if m > FEW_ROWS {
        let simd = Simd::widest();
        let left = Left::pack(simd, Matrix::new(x, m, cols));
        return new_product(simd, &left, &Outputs(Weights { data, cols }), rows);
    }
    let mut out = vec![0.0; m * rows];
    deal_rows(m, rows, &mut out, |first, _, sums| {
        let mut wide = vec![0.0; cols];
        for (row, sums) in sums.chunks_exact_mut(m).enumerate() {
            H::widen(&data[(first + row) * cols..][..cols], &mut wide);
            products(&wide, x, sums);
        }
    });
    out
}

vectorized! {
    /// The products of one weight row with all rows of `x`.
    fn products(weight: &[f32], x: &[f32], sums: &mut [f32]) {
        for (x, sum) in x.chunks_exact(weight.len()).zip(sums) {
            *sum = dot(x, weight);
        }
    }
}

/// `g` `[m, rows]` · W → `[m, cols]`.
pub fn matmul_transposed<H: Half>(g: &[f32], m: usize, data: &[H], cols: usize) -> Vec<f32> {
    let simd = Simd::widest();
    let left = Left::pack(simd, Matrix::new(g, m, data.len() / cols.max(1)));
    new_product(simd, &left, &Inputs(Weights { data, cols }), cols)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of 16-bit weights are those of the same weights in float32.
    fn check<H: Half>(narrow: impl Fn(f32) -> H) {
        for (m, rows, cols) in [(1, 5, 7), (3, 70, 96), (33, 37, 50), (40, 96, 1312)] {
            let weights: Vec<H> = (0..rows * cols).map(|i| narrow((i as f32 * 0.37).sin())).collect();
            let mut wide = vec![0.0; rows * cols];
            H::widen(&weights, &mut wide);
            let x: Vec<f32> = (0..m * cols).map(|i| (i as f32 * 0.11).cos()).collect();
            let product = matmul(&x, m, &weights, rows);
            let expected = super::super::matmul::dense(&x, m, &wide, rows);
            let back = matmul_transposed(&product, m, &weights, cols);
            for (i, (a, b)) in product.iter().zip(&expected).enumerate() {
                assert!((a - b).abs() < 1e-4, "m {m}, {rows} x {cols}, {i}: {a} {b}");
            }
            for (i, row) in product.chunks(rows).enumerate() {
                for c in 0..cols {
                    let sum: f64 = (0..rows).map(|r| f64::from(row[r]) * f64::from(wide[r * cols + c])).sum();
                    assert!((f64::from(back[i * cols + c]) - sum).abs() < 1e-2, "m {m}, {rows} x {cols}: {i}, {c}");
                }
            }
        }
    }

    #[test]
    fn products_equal_those_of_widened_weights() {
        check(f16::from_f32);
        check(bf16::from_f32);
    }
}
