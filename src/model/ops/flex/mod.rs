//! Fused CPU kernels for burn's Flex backend: parallel over rows with rayon, AVX2 and FMA where the processor has them.
//!
//! Every output element is computed by one thread in a fixed order, so results do not depend on scheduling.

mod adapter;
mod attention;
mod attention_backward;
mod cached;
mod dot;
mod gemm;
mod half;
mod head;
mod matmul;
mod product;
mod rows;
mod simd;
pub mod softmax;
mod tile;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::Arc;

use ::half::{bf16, f16};
use burn::{
    backend::{
        Flex,
        flex::{FlexTensor, Layout},
        ops::FloatTensorOps,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{Bytes, DType, Shape},
};

use super::{
    HeadToken,
    kernels::EngineKernels,
    layout::{AdapterLayout, CacheRow, Heads, Segments},
};
use crate::model::packed::PackedLayout;

/// The same tensor as one whole contiguous buffer; the buffer itself where it already is one.
fn whole(tensor: FlexTensor) -> FlexTensor {
    let layout = tensor.layout();
    let bytes = layout.num_elements() * tensor.dtype().size();
    if layout.is_contiguous() && layout.start_offset() == 0 && tensor.bytes().len() == bytes {
        return tensor;
    }
    tensor.to_contiguous()
}

fn tensor<const D: usize>(data: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(data), Layout::contiguous(Shape::new(shape)), DType::F32)
}

fn dims(tensor: &FlexTensor) -> (usize, usize) {
    let shape = tensor.layout().shape();
    (shape[0], shape[1])
}

impl EngineKernels for Flex {
    fn packed_matmul(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        _out: DType,
    ) -> FloatTensor<Self> {
        let (x, words, scales) = (whole(x), whole(words), whole(scales));
        let ((m, cols), out) = (dims(&x), dims(&words).0);
        let weight = matmul::Weight::new(layout, words.storage(), scales.storage(), [out, cols]);
        tensor(matmul::matmul(x.storage(), m, &weight), [m, out])
    }

    fn packed_matmul_transposed(
        g: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        cols: usize,
    ) -> FloatTensor<Self> {
        let (g, words, scales) = (whole(g), whole(words), whole(scales));
        let (m, out) = dims(&g);
        let weight = matmul::Weight::new(layout, words.storage(), scales.storage(), [out, cols]);
        tensor(matmul::matmul_transposed(g.storage(), m, &weight), [m, cols])
    }

    fn gather_packed(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        cols: usize,
        ids: Arc<Vec<u32>>,
        _out: DType,
    ) -> FloatTensor<Self> {
        let (words, scales) = (whole(words), whole(scales));
        let weight = matmul::Weight::new(layout, words.storage(), scales.storage(), [dims(&words).0, cols]);
        tensor(matmul::gather(&weight, &ids), [ids.len(), cols])
    }

    fn dense_matmul(x: FloatTensor<Self>, weight: FloatTensor<Self>, _out: DType) -> FloatTensor<Self> {
        let (x, weight) = (whole(x), whole(weight));
        let (m, out) = (dims(&x).0, dims(&weight).0);
        let data = match weight.dtype() {
            DType::F16 => half::matmul::<f16>(x.storage(), m, weight.storage(), out),
            DType::BF16 => half::matmul::<bf16>(x.storage(), m, weight.storage(), out),
            _ => matmul::dense(x.storage(), m, weight.storage(), out),
        };
        tensor(data, [m, out])
    }

    fn dense_matmul_transposed(g: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        if weight.dtype() == DType::F32 {
            return Self::float_matmul(g, weight);
        }
        let (g, weight) = (whole(g), whole(weight));
        let (m, cols) = (dims(&g).0, dims(&weight).1);
        let data = match weight.dtype() {
            DType::F16 => half::matmul_transposed::<f16>(g.storage(), m, weight.storage(), cols),
            _ => half::matmul_transposed::<bf16>(g.storage(), m, weight.storage(), cols),
        };
        tensor(data, [m, cols])
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(a, b)
    }

    fn add_adapter(
        y: FloatTensor<Self>,
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        flipped: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self> {
        let (mut y, x, a, flipped) = (whole(y), whole(x), whole(a), whole(flipped));
        let m = dims(&y).0;
        adapter::add(y.storage_mut(), x.storage(), a.storage(), flipped.storage(), m, &layout);
        y
    }

    fn reduce_adapter(
        g: FloatTensor<Self>,
        flipped: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self> {
        let (g, flipped) = (whole(g), whole(flipped));
        let m = dims(&g).0;
        tensor(adapter::reduce(g.storage(), flipped.storage(), m, &layout), [m, layout.r * layout.widths.len()])
    }

    fn adapter_b_grad(
        g: FloatTensor<Self>,
        lifted: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self> {
        let (g, lifted) = (whole(g), whole(lifted));
        let (m, out) = dims(&g);
        tensor(adapter::b_grad(g.storage(), lifted.storage(), m, &layout), [out, layout.r])
    }

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        let (x, weight) = (whole(x), whole(weight));
        let (m, width) = dims(&x);
        tensor(rows::rms_norm(x.storage(), weight.storage(), eps), [m, width])
    }

    fn rms_norm_backward(
        g: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        let (mut g, x, weight) = (whole(g), whole(x), whole(weight));
        rows::rms_norm_backward(g.storage_mut(), x.storage(), weight.storage(), eps);
        g
    }

    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: Heads,
        inverse: bool,
    ) -> FloatTensor<Self> {
        let (mut qkv, cos, sin) = (whole(qkv), whole(cos), whole(sin));
        rows::rope(qkv.storage_mut(), cos.storage(), sin.storage(), heads, inverse);
        qkv
    }

    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let gate_up = whole(gate_up);
        let (m, width) = dims(&gate_up);
        tensor(rows::swiglu(gate_up.storage(), width / 2), [m, width / 2])
    }

    fn swiglu_backward(g: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let (g, mut gate_up) = (whole(g), whole(gate_up));
        let width = dims(&g).1;
        rows::swiglu_backward(g.storage(), gate_up.storage_mut(), width);
        gate_up
    }

    fn attention(
        qkv: FloatTensor<Self>,
        heads: Heads,
        segments: Arc<Segments>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let qkv = whole(qkv);
        let m = dims(&qkv).0;
        let (out, log_sums) = attention::attention(qkv.storage(), heads, &segments);
        (tensor(out, [m, heads.q_width()]), tensor(log_sums, [m, heads.q]))
    }

    fn attention_backward(
        g: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        heads: Heads,
        segments: Arc<Segments>,
    ) -> FloatTensor<Self> {
        let (g, qkv, out, log_sums) = (whole(g), whole(qkv), whole(out), whole(log_sums));
        let m = dims(&qkv).0;
        let saved = attention_backward::Saved {
            g: g.storage(),
            qkv: qkv.storage(),
            out: out.storage(),
            log_sums: log_sums.storage(),
        };
        tensor(attention_backward::attention_backward(&saved, heads, &segments), [m, heads.qkv_width()])
    }

    fn cached_attention(
        qkv: FloatTensor<Self>,
        prompts: FloatTensor<Self>,
        own: FloatTensor<Self>,
        heads: Heads,
        rows: Arc<Vec<CacheRow>>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (qkv, prompts, mut own) = (whole(qkv), whole(prompts), whole(own));
        cached::store(qkv.storage(), own.storage_mut(), heads, &rows);
        let (out, log_sums) = cached::attend(qkv.storage(), prompts.storage(), own.storage(), heads, &rows);
        (tensor(out, [rows.len(), heads.q_width()]), tensor(log_sums, [rows.len(), heads.q]), own)
    }

    fn logit_statistics(logits: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let logits = whole(logits);
        let (m, width) = dims(&logits);
        let (log_sums, entropies) = head::statistics(logits.storage(), width);
        (tensor(log_sums, [m, 1]), tensor(entropies, [m, 1]))
    }

    fn logits_backward(
        logits: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        tokens: Arc<Vec<HeadToken>>,
        grads: Arc<Vec<f32>>,
    ) -> FloatTensor<Self> {
        let (mut logits, log_sums) = (whole(logits), whole(log_sums));
        let width = dims(&logits).1;
        head::backward(logits.storage_mut(), width, log_sums.storage(), &tokens, &grads);
        logits
    }
}
