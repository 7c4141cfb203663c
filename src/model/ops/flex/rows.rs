//! Kernels that look at one row at a time.

use rayon::prelude::*;

use super::{
    super::layout::Heads,
    dot::{dot, dot3},
    simd::{exp, sigmoid, vectorized},
};

/// Elements that are worth handing to another thread.
const GRAIN: usize = 32 * 1024;

/// Rows of `width` elements that make up a task.
fn rows_per_task(width: usize) -> usize {
    GRAIN.div_ceil(width.max(1))
}

vectorized! {
    fn rms_norm_rows(out: &mut [f32], x: &[f32], weight: &[f32], eps: f32) {
        let width = weight.len();
        for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let inverse = 1.0 / (dot(x, x) / width as f32 + eps).sqrt();
            for ((out, x), w) in out.iter_mut().zip(x).zip(weight) {
                *out = x * inverse * w;
            }
        }
    }
}

/// See [`super::super::rms_norm`].
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let task = rows_per_task(weight.len()) * weight.len();
    out.par_chunks_mut(task).zip(x.par_chunks(task)).for_each(|(out, x)| rms_norm_rows(out, x, weight, eps));
    out
}

vectorized! {
    fn rms_norm_backward_rows(g: &mut [f32], x: &[f32], weight: &[f32], eps: f32) {
        let width = weight.len();
        for (g, x) in g.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let inverse = 1.0 / (dot(x, x) / width as f32 + eps).sqrt();
            let overlap = dot3(g, weight, x) / width as f32 * inverse * inverse * inverse;
            for ((g, x), w) in g.iter_mut().zip(x).zip(weight) {
                *g = *g * w * inverse - x * overlap;
            }
        }
    }
}

/// See [`super::super::rms_norm_backward`]; `g` becomes the input's gradient.
pub fn rms_norm_backward(g: &mut [f32], x: &[f32], weight: &[f32], eps: f32) {
    let task = rows_per_task(weight.len()) * weight.len();
    g.par_chunks_mut(task).zip(x.par_chunks(task)).for_each(|(g, x)| rms_norm_backward_rows(g, x, weight, eps));
}

vectorized! {
    fn rope_rows(qkv: &mut [f32], cos: &[f32], sin: &[f32], heads: Heads, sign: f32) {
        let (width, half) = (heads.qkv_width(), heads.dim / 2);
        let rotated = (heads.q + heads.kv) * heads.dim;
        let angles = cos.chunks_exact(half).zip(sin.chunks_exact(half));
        for (row, (cos, sin)) in qkv.chunks_exact_mut(width).zip(angles) {
            for head in row[..rotated].chunks_exact_mut(heads.dim) {
                let (first, second) = head.split_at_mut(half);
                for (((a, b), c), s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                    let (x, y, s) = (*a, *b, sign * s);
                    *a = x * c - y * s;
                    *b = y * c + x * s;
                }
            }
        }
    }
}

/// See [`super::super::rope`], in place.
pub fn rope(qkv: &mut [f32], cos: &[f32], sin: &[f32], heads: Heads, inverse: bool) {
    let (width, half) = (heads.qkv_width(), heads.dim / 2);
    let rows = rows_per_task(width);
    let angles = cos.par_chunks(rows * half).zip(sin.par_chunks(rows * half));
    let sign = if inverse { -1.0 } else { 1.0 };
    qkv.par_chunks_mut(rows * width).zip(angles).for_each(|(qkv, (cos, sin))| rope_rows(qkv, cos, sin, heads, sign));
}

vectorized! {
    fn swiglu_rows(out: &mut [f32], gate_up: &[f32], width: usize) {
        for (out, row) in out.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
            let (gate, up) = row.split_at(width);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exp(-gate)) * up;
            }
        }
    }
}

/// See [`super::super::swiglu`]; `width` is that of the output.
pub fn swiglu(gate_up: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; gate_up.len() / 2];
    let task = rows_per_task(2 * width) * width;
    out.par_chunks_mut(task)
        .zip(gate_up.par_chunks(2 * task))
        .for_each(|(out, gate_up)| swiglu_rows(out, gate_up, width));
    out
}

vectorized! {
    fn swiglu_backward_rows(g: &[f32], gate_up: &mut [f32], width: usize) {
        for (g, row) in g.chunks_exact(width).zip(gate_up.chunks_exact_mut(2 * width)) {
            let (gates, ups) = row.split_at_mut(width);
            for ((g, gate), up) in g.iter().zip(gates).zip(ups) {
                let share = sigmoid(*gate);
                let gate_grad = g * *up * share * (1.0 + *gate * (1.0 - share));
                *up = g * *gate * share;
                *gate = gate_grad;
            }
        }
    }
}

/// See [`super::super::swiglu_backward`]; `gate_up` becomes its own gradient.
pub fn swiglu_backward(g: &[f32], gate_up: &mut [f32], width: usize) {
    let task = rows_per_task(2 * width) * width;
    gate_up
        .par_chunks_mut(2 * task)
        .zip(g.par_chunks(task))
        .for_each(|(gate_up, g)| swiglu_backward_rows(g, gate_up, width));
}
