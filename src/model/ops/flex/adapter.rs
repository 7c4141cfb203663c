//! Low-rank adapters of stacked projections, added where the base's output lies.

use super::{
    super::layout::AdapterLayout,
    dot::dot,
    gemm::{Into, Output, View, gemm},
    matmul::FEW_ROWS,
    simd::vectorized,
};
use rayon::prelude::*;

vectorized! {
    /// One row: `lifted` = A x, then y += scale · B lifted.
    fn add_to_row(y: &mut [f32], x: &[f32], a: &[f32], b: &[f32], lifted: &mut [f32], layout: &AdapterLayout) {
        for (lifted, a) in lifted.iter_mut().zip(a.chunks_exact(x.len())) {
            *lifted = dot(a, x) * layout.scale;
        }
        let mut rows = y.iter_mut().zip(b.chunks_exact(layout.r));
        for (lifted, &width) in lifted.chunks_exact(layout.r).zip(&layout.widths) {
            for (y, b) in rows.by_ref().take(width) {
                *y += dot(b, lifted);
            }
        }
    }
}

/// See [`super::super::add_adapter`]; `m` rows, `y` in place.
pub fn add(y: &mut [f32], x: &[f32], a: &[f32], b: &[f32], m: usize, layout: &AdapterLayout) {
    let (r, out, inner) = (layout.r, y.len() / m, layout.r * layout.widths.len());
    let inputs = x.len() / m;
    let mut lifted = vec![0.0; m * inner];
    if m <= FEW_ROWS {
        let rows = y.par_chunks_exact_mut(out).zip(x.par_chunks_exact(inputs));
        rows.zip(lifted.par_chunks_exact_mut(inner))
            .for_each(|((y, x), lifted)| add_to_row(y, x, a, b, lifted, layout));
        return;
    }
    let output = Output { data: &mut lifted, row_stride: inner, into: Into::Replace };
    gemm(output, View::new(x, m, inputs, inputs), View::new(a, inner, inputs, inputs).transposed(), 1.0, true);
    for (index, (column, width)) in layout.columns().into_iter().enumerate() {
        let lifted = View::new(&lifted[index * r..], m, r, inner);
        let b = View::new(&b[column * r..], width, r, r).transposed();
        let output = Output { data: &mut y[column..], row_stride: out, into: Into::Add };
        gemm(output, lifted, b, layout.scale, true);
    }
}

/// See [`super::super::reduce_adapter`].
pub fn reduce(g: &[f32], b: &[f32], m: usize, layout: &AdapterLayout) -> Vec<f32> {
    let (r, out, inner) = (layout.r, g.len() / m, layout.r * layout.widths.len());
    let mut reduced = vec![0.0; m * inner];
    for (index, (column, width)) in layout.columns().into_iter().enumerate() {
        let output = Output { data: &mut reduced[index * r..], row_stride: inner, into: Into::Replace };
        let g = View::new(&g[column..], m, width, out);
        gemm(output, g, View::new(&b[column * r..], width, r, r), layout.scale, true);
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
