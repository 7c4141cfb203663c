//! Low-rank adapters of stacked projections, added where the base's output lies.

use super::{
    super::layout::AdapterLayout,
    dot::dot,
    gemm::{Into, Output, View, gemm},
    matmul::FEW_ROWS,
    product::{self, Left, Matrix, Transposed, product},
    simd::{Simd, vectorized},
};
use rayon::prelude::*;

/// Multiplications that are worth handing to another thread.
const GRAIN: usize = 1 << 18;

vectorized! {
    /// `lifted` = A x for rows of `x`: each row of A is read once.
    fn lift_rows(lifted: &mut [f32], x: &[f32], a: &[f32], inner: usize) {
        let inputs = a.len() / inner;
        for (k, a) in a.chunks_exact(inputs).enumerate() {
            for (lifted, x) in lifted.chunks_exact_mut(inner).zip(x.chunks_exact(inputs)) {
                lifted[k] = dot(a, x);
            }
        }
    }
}

/// Columns of the output that are worked on at a time, so that they and the parts of B stay in the first-level cache.
const COLUMNS: usize = 256;

vectorized! {
    /// y += Bᵀ lifted for rows of `y`: four rows of Bᵀ at a time, to spare the output's traffic.
    fn spread_rows(y: &mut [f32], lifted: &[f32], flipped: &[f32], layout: &AdapterLayout) {
        let (r, inner, stride) = (layout.r, layout.r * layout.widths.len(), flipped.len() / layout.r);
        let mut start = 0;
        for (index, &width) in layout.widths.iter().enumerate() {
            for column in (start..start + width).step_by(COLUMNS) {
                let count = COLUMNS.min(start + width - column);
                for k in (0..r).step_by(4) {
                    // Rows beyond the rank count nothing.
                    let b = [0, 1, 2, 3].map(|i| &flipped[(k + i).min(r - 1) * stride + column..][..count]);
                    for (y, lifted) in y.chunks_exact_mut(stride).zip(lifted.chunks_exact(inner)) {
                        let l = [0, 1, 2, 3].map(|i| if k + i < r { lifted[index * r + k + i] } else { 0.0 });
                        let y = &mut y[column..column + count];
                        for j in 0..count {
                            y[j] = y[j] + l[0] * b[0][j] + l[1] * b[1][j] + l[2] * b[2][j] + l[3] * b[3][j];
                        }
                    }
                }
            }
            start += width;
        }
    }
}

/// See [`super::super::add_adapter`]; `m` rows, `y` in place.
pub fn add(y: &mut [f32], x: &[f32], a: &[f32], flipped: &[f32], m: usize, layout: &AdapterLayout) {
    let (r, out, inner) = (layout.r, y.len() / m, layout.r * layout.widths.len());
    let inputs = x.len() / m;
    let mut lifted = vec![0.0; m * inner];
    if m <= FEW_ROWS {
        // The two matrices come from memory row after row; handing out small parts of them would cost more than it saves.
        let rows = GRAIN.div_ceil(inner * inputs + r * out).min(m);
        let parts = y.par_chunks_mut(rows * out).zip(x.par_chunks(rows * inputs));
        parts.zip(lifted.par_chunks_mut(rows * inner)).for_each(|((y, x), lifted)| {
            lift_rows(lifted, x, a, inner);
            spread_rows(y, lifted, flipped, layout);
        });
        return;
    }
    let simd = Simd::widest();
    let left = Left::pack(simd, Matrix::new(x, m, inputs));
    product(simd, &left, &Transposed(Matrix::new(a, inner, inputs)), inner, product::Output::new(&mut lifted, inner));
    for (index, (column, width)) in layout.columns().into_iter().enumerate() {
        let left = Left::pack(simd, Matrix { data: &lifted[index * r..], rows: m, cols: r, stride: inner });
        let right = Matrix { data: &flipped[column..], rows: r, cols: width, stride: out };
        product(simd, &left, &right, width, product::Output::rows(&mut y[column..], out, true));
    }
}

/// See [`super::super::reduce_adapter`].
pub fn reduce(g: &[f32], flipped: &[f32], m: usize, layout: &AdapterLayout) -> Vec<f32> {
    let (r, out, inner) = (layout.r, g.len() / m, layout.r * layout.widths.len());
    let mut reduced = vec![0.0; m * inner];
    for (index, (column, width)) in layout.columns().into_iter().enumerate() {
        let output = Output { data: &mut reduced[index * r..], row_stride: inner, into: Into::Replace };
        let g = View::new(&g[column..], m, width, out);
        gemm(output, g, View::new(&flipped[column..], r, width, out).transposed(), 1.0, true);
    }
    reduced
}

/// See [`super::super::adapter_b_grad`].
pub fn b_grad(g: &[f32], lifted: &[f32], m: usize, layout: &AdapterLayout) -> Vec<f32> {
    let (r, out, inner) = (layout.r, g.len() / m, layout.r * layout.widths.len());
    let mut grad = vec![0.0; out * r];
    for (index, (column, width)) in layout.columns().into_iter().enumerate() {
        let output = Output { data: &mut grad[column * r..], row_stride: r, into: Into::Replace };
        let g = View::new(&g[column..], m, width, out).transposed();
        gemm(output, g, View::new(&lifted[index * r..], m, r, inner), layout.scale, true);
    }
    grad
}
