//! Low-rank adapters of stacked projections.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::super::layout::AdapterLayout;

/// See [`super::super::add_adapter`].
pub fn add_adapter(
    y: Tensor<2>,
    x: Tensor<2>,
    a: &Tensor<2>,
    flipped: &Tensor<2>,
    layout: &Arc<AdapterLayout>,
) -> Tensor<2> {
    let lifted = x.matmul(a.clone().transpose());
    let parts = layout.columns().into_iter().enumerate().map(|(index, (column, width))| {
        let flipped = flipped.clone().narrow(1, column, width);
        lifted.clone().narrow(1, index * layout.r, layout.r).matmul(flipped)
    });
    y + Tensor::cat(parts.collect(), 1)
}

/// See [`super::super::reduce_adapter`].
pub fn reduce_adapter(g: Tensor<2>, flipped: &Tensor<2>, layout: &Arc<AdapterLayout>) -> Tensor<2> {
    let parts = layout.columns().into_iter().map(|(column, width)| {
        g.clone().narrow(1, column, width).matmul(flipped.clone().narrow(1, column, width).transpose())
    });
    Tensor::cat(parts.collect(), 1)
}

/// See [`super::super::adapter_b_grad`].
pub fn adapter_b_grad(g: Tensor<2>, lifted: Tensor<2>, layout: &Arc<AdapterLayout>) -> Tensor<2> {
    let parts = layout.columns().into_iter().enumerate().map(|(index, (column, width))| {
        let lifted = lifted.clone().narrow(1, index * layout.r, layout.r);
        g.clone().narrow(1, column, width).transpose().matmul(lifted)
    });
    Tensor::cat(parts.collect(), 0) * layout.scale
}
