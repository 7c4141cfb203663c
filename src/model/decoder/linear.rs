//! Stacked projections with adapters: y = W x + bias + Σ scale · B(A x), and back. W and frozen adapters get no gradient.

use burn::tensor::{DType, Tensor};

use super::adapters::Adapter;
use crate::model::{ops, weights::StackedLinear};

/// `x` `[m, in]` → `[m, out]`.
pub fn forward(x: &Tensor<2>, linear: &StackedLinear, adapter: Option<&Adapter>) -> Tensor<2> {
    let mut parts: Vec<Tensor<2>> = linear.parts.iter().map(|part| ops::matmul(x.clone(), part)).collect();
    let mut y = match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => Tensor::cat(parts.into_iter().chain(last).collect(), 1),
    };
    if let Some(bias) = &linear.bias {
        let dtype = y.dtype();
        y = y + bias.clone().unsqueeze::<2>().cast(dtype);
    }
    for adapter in linear.frozen.iter().chain(adapter) {
        let Adapter { a, flipped, layout, .. } = adapter;
        y = ops::add_adapter(y, adapter.seen(x.clone()), a, flipped, layout);
    }
    y
}

/// Gradients of a stack's adapter.
#[derive(Debug, Clone)]
pub struct AdapterGrads {
    /// Like [`Adapter::a`].
    pub a: Tensor<2>,
    /// Of the B matrices on top of each other, `[out, r]`.
    pub b: Tensor<2>,
}

/// From the output's gradient `g` `[m, out]` and the input `x`: the input's gradient, if wanted, and the adapter's.
pub fn backward(
    g: Tensor<2>,
    x: Tensor<2>,
    linear: &StackedLinear,
    adapter: Option<&Adapter>,
    wants_input: bool,
) -> (Option<Tensor<2>>, Option<AdapterGrads>) {
    let mut x_grad = wants_input.then(|| base_backward(&g, linear));
    let Some(adapter) = adapter else { return (x_grad, None) };
    let x = adapter.seen(x).cast(DType::F32);
    let reduced = ops::reduce_adapter(g.clone(), &adapter.flipped, &adapter.layout);
    let lifted = ops::product(x.clone(), adapter.a.clone().transpose());
    let b = ops::adapter_b_grad(g, lifted, &adapter.layout);
    let a = ops::product(reduced.clone().transpose(), x);
    if let Some(x_grad) = &mut x_grad {
        let through_adapter = adapter.seen(ops::product(reduced, adapter.a.clone()));
        x_grad.inplace(|grad| {
            let dtype = grad.dtype();
            grad + through_adapter.cast(dtype)
        });
    }
    (x_grad, Some(AdapterGrads { a, b }))
}

/// `g` · W, summed over the parts, and through the frozen adapters.
fn base_backward(g: &Tensor<2>, linear: &StackedLinear) -> Tensor<2> {
    let mut column = 0;
    let mut sum: Option<Tensor<2>> = None;
    for part in &linear.parts {
        let grad = ops::matmul_transposed(g.clone().narrow(1, column, part.rows()), part);
        column += part.rows();
        sum = Some(match sum {
            Some(sum) => sum + grad,
            None => grad,
        });
    }
    let sum = sum.unwrap_or_else(|| Tensor::zeros([g.dims()[0], linear.cols()], (&g.device(), g.dtype())));
    linear.frozen.iter().fold(sum, |sum, adapter| {
        let reduced = ops::reduce_adapter(g.clone(), &adapter.flipped, &adapter.layout);
        let grad = ops::product(reduced, adapter.a.clone());
        sum + grad.cast(g.dtype())
    })
}
