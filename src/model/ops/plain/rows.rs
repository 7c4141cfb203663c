//! Operations that look at one row at a time.

use burn::tensor::{Tensor, activation::sigmoid};

use super::super::{Rotation, layout::Heads};

fn inverse_rms(x: &Tensor<2>, eps: f32) -> Tensor<2> {
    x.clone().square().mean_dim(1).add_scalar(eps).sqrt().recip()
}

/// See [`super::super::rms_norm`].
pub fn rms_norm(x: Tensor<2>, weight: &Tensor<1>, eps: f32) -> Tensor<2> {
    let inverse = inverse_rms(&x, eps);
    x * inverse * weight.clone().unsqueeze::<2>()
}

/// See [`super::super::rms_norm_backward`].
pub fn rms_norm_backward(g: Tensor<2>, x: Tensor<2>, weight: &Tensor<1>, eps: f32) -> Tensor<2> {
    let inverse = inverse_rms(&x, eps);
    let weighted = g * weight.clone().unsqueeze::<2>();
    let overlap = (weighted.clone() * x.clone()).mean_dim(1) * inverse.clone().powi_scalar(3);
    weighted * inverse - x * overlap
}

/// See [`super::super::rope`].
pub fn rope(qkv: Tensor<2>, rotation: &Rotation, heads: Heads, inverse: bool) -> Tensor<2> {
    let rows = qkv.dims()[0];
    let (rotated, half) = (heads.q + heads.kv, heads.dim / 2);
    let values = qkv.clone().narrow(1, rotated * heads.dim, heads.kv * heads.dim);
    let qk = qkv.narrow(1, 0, rotated * heads.dim).reshape([rows, rotated, heads.dim]);
    let cos = rotation.cos.clone().unsqueeze_dim::<3>(1);
    let sin = rotation.sin.clone().unsqueeze_dim::<3>(1);
    let sin = if inverse { sin.neg() } else { sin };
    let (first, second) = (qk.clone().narrow(2, 0, half), qk.narrow(2, half, half));
    let turned_first = first.clone() * cos.clone() - second.clone() * sin.clone();
    let turned_second = second * cos + first * sin;
    let turned = Tensor::cat(vec![turned_first, turned_second], 2).reshape([rows, rotated * heads.dim]);
    Tensor::cat(vec![turned, values], 1)
}

fn halves(gate_up: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let width = gate_up.dims()[1] / 2;
    (gate_up.clone().narrow(1, 0, width), gate_up.narrow(1, width, width))
}

/// See [`super::super::swiglu`].
pub fn swiglu(gate_up: Tensor<2>) -> Tensor<2> {
    let (gate, up) = halves(gate_up);
    sigmoid(gate.clone()) * gate * up
}

/// See [`super::super::swiglu_backward`].
pub fn swiglu_backward(g: Tensor<2>, gate_up: Tensor<2>) -> Tensor<2> {
    let (gate, up) = halves(gate_up);
    let share = sigmoid(gate.clone());
    let slope = share.clone() * (gate.clone() * share.clone().neg().add_scalar(1.0)).add_scalar(1.0);
    let gate_grad = g.clone() * up * slope;
    let up_grad = g * gate * share;
    Tensor::cat(vec![gate_grad, up_grad], 1)
}
