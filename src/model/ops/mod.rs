//! The decoder's operations, forward and backward, each as a fused kernel where the backend has one and as plain tensor
//! operations ([`plain`]) everywhere else.
//!
//! Rows are positions of a packed sequence; columns are features. No operation knows of batches or padding.

// Formulas keep the letters of the literature; kernels must be inlined into the code that is compiled for AVX2; and
// tensors are handles that burn's operations take by value.
#![allow(clippy::inline_always, clippy::many_single_char_names, clippy::needless_pass_by_value, clippy::similar_names)]

#[cfg(feature = "gpu")]
pub mod cube;
pub mod flex;
pub mod kernels;
pub mod layout;
pub mod plain;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::{
    backend::{Dispatch, DispatchDevice},
    tensor::{DType, Device, Tensor, TensorData, kind::Basic},
};

use self::{
    kernels::EngineKernels,
    layout::{AdapterLayout, CacheRow, Heads, Segments},
};
use super::packed::{PackedMatrix, Storage};

/// Weights that a GPU unpacks into scratch memory at a time: 128 MiB of bfloat16.
pub const SCRATCH_WEIGHTS: usize = 1 << 26;

/// A token whose log-probability the head gives: the row of its logits, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadToken {
    /// Row of the logits.
    pub row: usize,
    /// Token id.
    pub id: usize,
}

/// Whether the tensor's backend has the fused kernels.
fn fused<const D: usize>(tensor: &Tensor<D>) -> bool {
    match tensor.device().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(_) => true,
        _ => false,
    }
}

fn wrap<const D: usize>(tensor: burn::backend::DispatchTensor) -> Tensor<D> {
    Tensor::from_dispatch(tensor)
}

/// Some rows of a matrix, `[ids, in]` of type `out`: embeddings of tokens. On the CPU numbers are float32 always.
///
/// # Panics
/// For ids beyond the rows; [`super::decoder::PackedGroup::check`] refuses them.
pub fn gather(weight: &PackedMatrix, ids: &[u32], out: DType) -> Tensor<2> {
    match weight.storage() {
        Storage::Packed { layout, words, scales } if fused(scales) => wrap(Dispatch::gather_packed(
            words.clone().into_dispatch(),
            scales.clone().into_dispatch(),
            *layout,
            weight.cols(),
            Arc::new(ids.to_vec()),
            out,
        )),
        Storage::Packed { scales: like, .. } | Storage::Dense(like) => {
            let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
            let ids = Tensor::from_data(TensorData::new(ids.clone(), [ids.len()]), &like.device());
            weight.gather_rows(ids).cast(out)
        }
    }
}

/// `x` `[m, in]` · Wᵀ → `[m, out]`, of the type of `x`.
pub fn matmul(x: Tensor<2>, weight: &PackedMatrix) -> Tensor<2> {
    let out = x.dtype();
    matmul_as(x, weight, out)
}

/// [`matmul`] as float32, whatever `x` is: logits.
pub fn matmul_wide(x: Tensor<2>, weight: &PackedMatrix) -> Tensor<2> {
    matmul_as(x, weight, DType::F32)
}

fn matmul_as(x: Tensor<2>, weight: &PackedMatrix, out: DType) -> Tensor<2> {
    match weight.storage() {
        Storage::Packed { layout, words, scales } if fused(&x) => wrap(Dispatch::packed_matmul(
            x.into_dispatch(),
            words.clone().into_dispatch(),
            scales.clone().into_dispatch(),
            *layout,
            out,
        )),
        Storage::Dense(weight) if fused(&x) => {
            wrap(Dispatch::dense_matmul(x.into_dispatch(), weight.clone().into_dispatch(), out))
        }
        _ => x.matmul(weight.dequantize().transpose()),
    }
}

/// `g` `[m, out]` · W → `[m, in]`: the gradient of [`matmul`]'s input.
pub fn matmul_transposed(g: Tensor<2>, weight: &PackedMatrix) -> Tensor<2> {
    match weight.storage() {
        Storage::Packed { layout, words, scales } if fused(&g) => wrap(Dispatch::packed_matmul_transposed(
            g.into_dispatch(),
            words.clone().into_dispatch(),
            scales.clone().into_dispatch(),
            *layout,
            weight.cols(),
        )),
        Storage::Dense(weight) if fused(&g) => {
            wrap(Dispatch::dense_matmul_transposed(g.into_dispatch(), weight.clone().into_dispatch()))
        }
        _ => g.matmul(weight.dequantize()),
    }
}

/// `a` `[m, k]` · `b` `[k, n]`; of float32, all of it: the products that a GPU's backend chooses by itself round what they multiply to
/// TF32's 10 bits.
pub fn product(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    if fused(&a) {
        return wrap(Dispatch::product(a.into_dispatch(), b.into_dispatch()));
    }
    a.matmul(b)
}

/// The same matrix with its rows right behind each other, as kernels read them. An allocator may leave gaps (CUDA's makes each row a
/// multiple of up to 512 bytes), and then each kernel that reads the matrix would have it copied first.
pub fn tight<K: Basic>(matrix: Tensor<2, K>) -> Tensor<2, K> {
    let [rows, cols] = matrix.dims();
    matrix.reshape([rows * cols]).reshape([rows, cols])
}

/// `y` `[m, out]` + scale · B(A `x`), projection by projection (Hu et al. 2021); `flipped` is scale · Bᵀ, `[r, out]`.
pub fn add_adapter(
    y: Tensor<2>,
    x: Tensor<2>,
    a: &Tensor<2>,
    flipped: &Tensor<2>,
    layout: &Arc<AdapterLayout>,
) -> Tensor<2> {
    if fused(&y) && fused(flipped) {
        let (a, flipped) = (a.clone().into_dispatch(), flipped.clone().into_dispatch());
        return wrap(Dispatch::add_adapter(y.into_dispatch(), x.into_dispatch(), a, flipped, layout.clone()));
    }
    plain::add_adapter(y, x, a, flipped, layout)
}

/// scale · `g` B, projection by projection: the gradient of A `x`, `[m, projections · r]`, float32 whatever `g` is.
pub fn reduce_adapter(g: Tensor<2>, flipped: &Tensor<2>, layout: &Arc<AdapterLayout>) -> Tensor<2> {
    if fused(&g) {
        return wrap(Dispatch::reduce_adapter(g.into_dispatch(), flipped.clone().into_dispatch(), layout.clone()));
    }
    plain::reduce_adapter(g, flipped, layout)
}

/// The gradient of the B matrices, `[out, r]`, float32, from the output's gradient and `lifted` = A `x`.
pub fn adapter_b_grad(g: Tensor<2>, lifted: Tensor<2>, layout: &Arc<AdapterLayout>) -> Tensor<2> {
    if fused(&g) {
        return wrap(Dispatch::adapter_b_grad(g.into_dispatch(), lifted.into_dispatch(), layout.clone()));
    }
    plain::adapter_b_grad(g, lifted, layout)
}

/// `x` · `weight` / √(mean(x²) + eps), row by row; `x` `[m, hidden]`, `weight` `[hidden]` (Zhang and Sennrich 2019).
pub fn rms_norm(x: Tensor<2>, weight: &Tensor<1>, eps: f32) -> Tensor<2> {
    if fused(&x) {
        return wrap(Dispatch::rms_norm(x.into_dispatch(), weight.clone().into_dispatch(), eps));
    }
    plain::rms_norm(x, weight, eps)
}

/// The gradient of [`rms_norm`]'s input, from its output's gradient and its input.
pub fn rms_norm_backward(g: Tensor<2>, x: Tensor<2>, weight: &Tensor<1>, eps: f32) -> Tensor<2> {
    if fused(&x) {
        let weight = weight.clone().into_dispatch();
        return wrap(Dispatch::rms_norm_backward(g.into_dispatch(), x.into_dispatch(), weight, eps));
    }
    plain::rms_norm_backward(g, x, weight, eps)
}

/// Cosines and sines of the rotary embedding, `[m, dim / 2]` each, for the positions of the rows.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Cosines.
    pub cos: Tensor<2>,
    /// Sines.
    pub sin: Tensor<2>,
}

impl Rotation {
    /// For rows at these positions, whose pairs turn by `frequencies` radians from one position to the next.
    pub fn new(positions: &[usize], frequencies: &[f32], device: &Device) -> Self {
        let half = frequencies.len();
        let angles = positions.iter().flat_map(|&p| frequencies.iter().map(move |f| p as f32 * f));
        let (sin, cos): (Vec<f32>, Vec<f32>) = angles.map(f32::sin_cos).unzip();
        let tensor = |data| Tensor::from_data(TensorData::new(data, [positions.len(), half]), device);
        Self { cos: tensor(cos), sin: tensor(sin) }
    }
}

/// Rotates the query and key heads of stacked q/k/v rows by their positions: the pairs (i, i + dim / 2) of each head
/// (Su et al. 2021, halves as in Hugging Face). `inverse` rotates back, which is also the gradient.
pub fn rope(qkv: Tensor<2>, rotation: &Rotation, heads: Heads, inverse: bool) -> Tensor<2> {
    if fused(&qkv) {
        let (cos, sin) = (rotation.cos.clone().into_dispatch(), rotation.sin.clone().into_dispatch());
        return wrap(Dispatch::rope(qkv.into_dispatch(), cos, sin, heads, inverse));
    }
    plain::rope(qkv, rotation, heads, inverse)
}

/// silu(gate) · up, from stacked gate/up rows `[m, 2 · ff]` → `[m, ff]` (Shazeer 2020).
pub fn swiglu(gate_up: Tensor<2>) -> Tensor<2> {
    if fused(&gate_up) {
        return wrap(Dispatch::swiglu(gate_up.into_dispatch()));
    }
    plain::swiglu(gate_up)
}

/// The gradient of [`swiglu`]'s input, `[m, 2 · ff]`.
pub fn swiglu_backward(g: Tensor<2>, gate_up: Tensor<2>) -> Tensor<2> {
    if fused(&g) {
        return wrap(Dispatch::swiglu_backward(g.into_dispatch(), gate_up.into_dispatch()));
    }
    plain::swiglu_backward(g, gate_up)
}

/// Causal grouped-query attention within packed segments, over rotated stacked q/k/v rows `[m, qkv_width]`.
///
/// Returns the heads' outputs `[m, q_width]` and the logarithms of the softmax denominators `[m, q heads]`.
pub fn attention(qkv: Tensor<2>, heads: Heads, segments: &Arc<Segments>) -> (Tensor<2>, Tensor<2>) {
    if fused(&qkv) {
        let (out, log_sums) = Dispatch::attention(qkv.into_dispatch(), heads, segments.clone());
        return (wrap(out), wrap(log_sums));
    }
    plain::attention(qkv, heads, segments)
}

/// What [`attention`] computed, as its backward pass needs it.
#[derive(Debug, Clone)]
pub struct AttentionRecord {
    /// Input: rotated q/k/v rows.
    pub qkv: Tensor<2>,
    /// Output of the heads.
    pub out: Tensor<2>,
    /// Logarithms of the softmax denominators.
    pub log_sums: Tensor<2>,
}

/// The gradient of [`attention`]'s input, `[m, qkv_width]`, from that of the heads' outputs.
pub fn attention_backward(g: Tensor<2>, record: AttentionRecord, heads: Heads, segments: &Arc<Segments>) -> Tensor<2> {
    if fused(&g) {
        return wrap(Dispatch::attention_backward(
            g.into_dispatch(),
            record.qkv.into_dispatch(),
            record.out.into_dispatch(),
            record.log_sums.into_dispatch(),
            heads,
            segments.clone(),
        ));
    }
    plain::attention_backward(g, record, heads, segments)
}

/// One new row for each of several sequences: stores its key and value and attends to its prompt and its own rows.
///
/// `qkv` `[b, qkv_width]` is rotated; `prompts` and `own` are caches of key/value rows `[_, kv_width]`. Returns the heads'
/// outputs `[b, q_width]`, the logarithms of the softmax denominators `[b, q heads]`, and `own` with the new rows in it,
/// written in place where the caller gave up its handle.
pub fn cached_attention(
    qkv: Tensor<2>,
    prompts: &Tensor<2>,
    own: Tensor<2>,
    heads: Heads,
    rows: &Arc<Vec<CacheRow>>,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    if fused(&qkv) {
        let (out, log_sums, own) = Dispatch::cached_attention(
            qkv.into_dispatch(),
            prompts.clone().into_dispatch(),
            own.into_dispatch(),
            heads,
            rows.clone(),
        );
        return (wrap(out), wrap(log_sums), wrap(own));
    }
    plain::cached_attention(qkv, prompts, own, heads, rows)
}

/// log Σ exp of each row of logits, and the entropy of its softmax, both `[m, 1]`.
pub fn logit_statistics(logits: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    if fused(&logits) {
        let (log_sums, entropies) = Dispatch::logit_statistics(logits.into_dispatch());
        return (wrap(log_sums), wrap(entropies));
    }
    plain::logit_statistics(logits)
}

/// The gradient of the logits, from those of the tokens' log-probabilities (`grads`, one for each of `tokens`).
pub fn logits_backward(
    logits: Tensor<2>,
    log_sums: Tensor<2>,
    tokens: &Arc<Vec<HeadToken>>,
    grads: &Arc<Vec<f32>>,
) -> Tensor<2> {
    if fused(&logits) {
        return wrap(Dispatch::logits_backward(
            logits.into_dispatch(),
            log_sums.into_dispatch(),
            tokens.clone(),
            grads.clone(),
        ));
    }
    plain::logits_backward(logits, log_sums, tokens, grads)
}
