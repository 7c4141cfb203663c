//! Fused GPU kernels in `CubeCL` for burn's backend of the same name: compiled for CUDA, and for Vulkan or Metal through wgpu, from one
//! source.
//!
//! Numbers come as float32 or bfloat16 and are summed as float32. No kernel depends on the width of a warp or adds from two cubes
//! to one place, so results do not depend on scheduling.

// Kernels take all they need as arguments; the macro's generated code is not ours to lint.
#![allow(
    clippy::assign_op_pattern,
    clippy::manual_div_ceil,
    clippy::too_many_arguments,
    clippy::trivially_copy_pass_by_ref,
    clippy::used_underscore_binding,
    missing_docs
)]

mod adapter;
mod attention;
mod attention_backward;
mod cached;
mod dequantize;
mod few;
mod head;
mod launch;
mod product;
mod rows;
mod tile;
mod unpack;

use std::sync::Arc;

use burn::{
    backend::{
        ops::FloatTensorOps,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::DType,
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous};

use self::{
    dequantize::Packed,
    product::{as_type, columns, multiply, transposed},
};
use super::{
    HeadToken,
    kernels::EngineKernels,
    layout::{AdapterLayout, CacheRow, Heads, Segments},
};
use crate::model::packed::PackedLayout;

fn packed(
    words: IntTensor<CubeBackend>,
    scales: FloatTensor<CubeBackend>,
    layout: PackedLayout,
    cols: usize,
) -> Packed {
    Packed { words: into_contiguous(words), scales: into_contiguous(scales), layout, cols }
}

impl EngineKernels for CubeBackend {
    fn packed_matmul(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        out: DType,
    ) -> FloatTensor<Self> {
        let x = into_contiguous(x);
        let cols = x.meta.shape()[1];
        product::packed(&x, &packed(words, scales, layout, cols), out)
    }

    fn packed_matmul_transposed(
        g: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        cols: usize,
    ) -> FloatTensor<Self> {
        let g = into_contiguous(g);
        product::packed_transposed(&g, &packed(words, scales, layout, cols), g.dtype)
    }

    fn gather_packed(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        cols: usize,
        ids: Arc<Vec<u32>>,
        out: DType,
    ) -> FloatTensor<Self> {
        dequantize::gather(&packed(words, scales, layout, cols), &ids, out)
    }

    fn dense_matmul(x: FloatTensor<Self>, weight: FloatTensor<Self>, out: DType) -> FloatTensor<Self> {
        product::dense(&into_contiguous(x), &into_contiguous(weight), out)
    }

    fn dense_matmul_transposed(g: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let g = into_contiguous(g);
        product::dense_transposed(&g, &weight, g.dtype)
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let out = a.dtype;
        multiply(a, b, out)
    }

    fn add_adapter(
        y: FloatTensor<Self>,
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        flipped: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self> {
        let (x, a, flipped) = (into_contiguous(x), into_contiguous(a), into_contiguous(flipped));
        adapter::add_adapter(into_contiguous(y), &x, &a, &flipped, &layout)
    }

    fn reduce_adapter(
        g: FloatTensor<Self>,
        flipped: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self> {
        let parts = layout.columns().into_iter().map(|(start, width)| {
            let part = |x: &FloatTensor<Self>| as_type(&columns(x, start, start + width), DType::F32);
            multiply(part(&g), transposed(part(&flipped)), DType::F32)
        });
        Self::float_cat(parts.collect(), 1)
    }

    fn adapter_b_grad(
        g: FloatTensor<Self>,
        lifted: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self> {
        let parts = layout.columns().into_iter().enumerate().map(|(index, (start, width))| {
            let lifted = columns(&lifted, index * layout.r, (index + 1) * layout.r);
            // A projection at a time: all of them as float32 would be the largest tensor of a layer.
            let g = as_type(&columns(&g, start, start + width), DType::F32);
            multiply(transposed(g), lifted, DType::F32)
        });
        Self::float_mul_scalar(Self::float_cat(parts.collect(), 0), layout.scale.into())
    }

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        rows::rms_norm(&into_contiguous(x), &into_contiguous(weight), eps)
    }

    fn rms_norm_backward(
        g: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        rows::rms_norm_backward(&into_contiguous(g), &into_contiguous(x), &into_contiguous(weight), eps)
    }

    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: Heads,
        inverse: bool,
    ) -> FloatTensor<Self> {
        rows::rope(&into_contiguous(qkv), &into_contiguous(cos), &into_contiguous(sin), heads, inverse)
    }

    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        rows::swiglu(&into_contiguous(gate_up))
    }

    fn swiglu_backward(g: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        rows::swiglu_backward(&into_contiguous(g), &into_contiguous(gate_up))
    }

    fn attention(
        qkv: FloatTensor<Self>,
        heads: Heads,
        segments: Arc<Segments>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        attention::attention(&into_contiguous(qkv), heads, &segments)
    }

    fn attention_backward(
        g: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        heads: Heads,
        segments: Arc<Segments>,
    ) -> FloatTensor<Self> {
        let (g, qkv, out, log_sums) =
            (into_contiguous(g), into_contiguous(qkv), into_contiguous(out), into_contiguous(log_sums));
        attention_backward::attention_backward(g, qkv, &out, log_sums, heads, &segments)
    }

    fn cached_attention(
        qkv: FloatTensor<Self>,
        prompts: FloatTensor<Self>,
        own: FloatTensor<Self>,
        heads: Heads,
        rows: Arc<Vec<CacheRow>>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (qkv, prompts, own) = (into_contiguous(qkv), into_contiguous(prompts), into_contiguous(own));
        cached::cached_attention(&qkv, &prompts, own, heads, &rows)
    }

    fn logit_statistics(logits: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        head::logit_statistics(&into_contiguous(logits))
    }

    fn logits_backward(
        logits: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        tokens: Arc<Vec<HeadToken>>,
        grads: Arc<Vec<f32>>,
    ) -> FloatTensor<Self> {
        head::logits_backward(&into_contiguous(logits), &into_contiguous(log_sums), &tokens, &grads)
    }
}
