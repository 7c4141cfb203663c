//! The operations that a backend may compute by a kernel of its own, as a burn backend extension.
//!
//! Shapes and meanings are those of the functions in [`super`], which fall back to [`super::plain`] on backends that
//! are not listed here (the autodiff one among them, which makes plain operations the oracle of every backward pass).

use std::sync::Arc;

use burn::{
    backend::{
        Backend, backend_extension,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::DType,
};

use super::layout::{AdapterLayout, CacheRow, Heads, Segments};
use crate::model::packed::PackedLayout;

/// Operations with kernels of their own.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"))]
pub trait EngineKernels: Backend {
    /// `x` `[m, in]` times packed `[out, in]`, transposed: `[m, out]` of type `out`.
    fn packed_matmul(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        out: DType,
    ) -> FloatTensor<Self>;

    /// `g` `[m, out]` times packed `[out, in]`: `[m, in]`.
    fn packed_matmul_transposed(
        g: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        cols: usize,
    ) -> FloatTensor<Self>;

    /// Some rows of packed `[out, in]`, `[ids, in]` of type `out`.
    fn gather_packed(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: PackedLayout,
        cols: usize,
        ids: Arc<Vec<u32>>,
        out: DType,
    ) -> FloatTensor<Self>;

    /// `x` `[m, in]` times dense `[out, in]` of 32 or 16 bits, transposed, of type `out`, a row's result not depending on the
    /// number of rows where they are few.
    fn dense_matmul(x: FloatTensor<Self>, weight: FloatTensor<Self>, out: DType) -> FloatTensor<Self>;

    /// `g` `[m, out]` times dense `[out, in]` of 32 or 16 bits: `[m, in]`.
    fn dense_matmul_transposed(g: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`super::product`].
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`super::add_adapter`].
    fn add_adapter(
        y: FloatTensor<Self>,
        x: FloatTensor<Self>,
        a: FloatTensor<Self>,
        flipped: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self>;

    /// See [`super::reduce_adapter`].
    fn reduce_adapter(
        g: FloatTensor<Self>,
        flipped: FloatTensor<Self>,
        layout: Arc<AdapterLayout>,
    ) -> FloatTensor<Self>;

    /// See [`super::adapter_b_grad`].
    fn adapter_b_grad(g: FloatTensor<Self>, lifted: FloatTensor<Self>, layout: Arc<AdapterLayout>)
    -> FloatTensor<Self>;

    /// See [`super::rms_norm`].
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self>;

    /// See [`super::rms_norm_backward`].
    fn rms_norm_backward(
        g: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;

    /// See [`super::rope`].
    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: Heads,
        inverse: bool,
    ) -> FloatTensor<Self>;

    /// See [`super::swiglu`].
    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`super::swiglu_backward`].
    fn swiglu_backward(g: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`super::attention`].
    fn attention(
        qkv: FloatTensor<Self>,
        heads: Heads,
        segments: Arc<Segments>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// See [`super::attention_backward`].
    fn attention_backward(
        g: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        heads: Heads,
        segments: Arc<Segments>,
    ) -> FloatTensor<Self>;

    /// See [`super::cached_attention`].
    fn cached_attention(
        qkv: FloatTensor<Self>,
        prompts: FloatTensor<Self>,
        own: FloatTensor<Self>,
        heads: Heads,
        rows: Arc<Vec<CacheRow>>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// See [`super::logit_statistics`].
    fn logit_statistics(logits: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// See [`super::logits_backward`].
    fn logits_backward(
        logits: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        tokens: Arc<Vec<super::HeadToken>>,
        grads: Arc<Vec<f32>>,
    ) -> FloatTensor<Self>;
}
