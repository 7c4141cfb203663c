//! The cross-entropy of a bundle's answers, and its gradient with respect to every parameter.

use std::sync::Arc;

use burn::tensor::{IndexingUpdateOp, Tensor};

use super::{
    Network, Part,
    forward::{Rows, Tape, indices, linear},
};
use crate::{
    model::{
        ModelError,
        ops::{self, HeadToken},
    },
    sft::{Bundle, bundle::Target},
};

/// Gradients under way, one for each parameter.
struct Gradients<'a> {
    sums: &'a mut [Tensor<2>],
    eps: f32,
}

impl Gradients<'_> {
    fn add(&mut self, position: usize, gradient: Tensor<2>) {
        self.sums[position].inplace(|sum| sum + gradient);
    }

    /// For y = x · Wᵀ: takes W's gradient and returns x's.
    fn linear(&mut self, position: usize, weight: &Tensor<2>, g: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        self.add(position, g.clone().transpose().matmul(x));
        g.matmul(weight.clone())
    }

    /// For y = norm(x): takes the weight's gradient and returns x's.
    fn norm(&mut self, position: usize, weight: &Tensor<2>, g: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let ones = Tensor::<1>::ones([weight.dims()[1]], &weight.device());
        let unit = ops::rms_norm(x.clone(), &ones, self.eps);
        self.add(position, (g.clone() * unit).sum_dim(0));
        ops::rms_norm_backward(g, x, &weight.clone().flatten::<1>(0, 1), self.eps)
    }
}

impl Network {
    /// The sum of −log p over the answers' tokens; the gradient of `weight` times that is added to `grads`, which has one
    /// tensor for each parameter.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for ids outside the vocabulary, nothing to learn, or a device that fails.
    pub fn gradient(&self, bundle: &Bundle, weight: f32, grads: &mut [Tensor<2>]) -> Result<f64, ModelError> {
        bundle.packed.check(self.config.vocab_size)?;
        let targets = bundle.targets();
        if targets.is_empty() {
            return Err(ModelError::Compute("a bundle without answers teaches nothing".into()));
        }
        let rows = self.rows(bundle);
        let (x, tapes) = self.forward(&rows);
        let grads = &mut Gradients { sums: grads, eps: self.config.rms_norm_eps };
        let (loss, mut g) = self.head(&x, &targets, weight, grads)?;
        for (layer, tape) in tapes.into_iter().enumerate().rev() {
            g = self.layer_backward(layer, g, tape, &rows, grads);
        }
        grads.sums[0].inplace(|sum| sum.select_assign(0, rows.ids, g, IndexingUpdateOp::Add));
        Ok(loss)
    }

    /// Loss, and the gradient of the residual stream behind the last layer. Only rows that predict answers are evaluated.
    fn head(
        &self,
        x: &Tensor<2>,
        targets: &[Target],
        weight: f32,
        grads: &mut Gradients<'_>,
    ) -> Result<(f64, Tensor<2>), ModelError> {
        let (device, vocabulary, last) = (x.device(), self.config.vocab_size, self.params.len() - 1);
        let places = indices(targets.iter().map(|t| t.row), &device);
        let chosen = x.clone().select(0, places.clone());
        let hidden = self.norm(&chosen, self.final_norm());
        let logits = linear(&hidden, self.embedding());
        let log_sums = ops::logit_statistics(logits.clone()).0;
        let at = indices(targets.iter().enumerate().map(|(row, t)| row * vocabulary + t.id as usize), &device);
        let hit = logits.clone().flatten::<1>(0, 1).select(0, at);
        let losses = (log_sums.clone().flatten::<1>(0, 1) - hit).try_into_vec_as::<f32>();
        let losses = losses.map_err(|e| ModelError::Compute(format!("cannot read the loss: {e:?}")))?;

        let tokens = targets.iter().enumerate().map(|(row, t)| HeadToken { row, id: t.id as usize }).collect();
        let token_grads = Arc::new(vec![-weight; targets.len()]);
        let g = ops::logits_backward(logits, log_sums, &Arc::new(tokens), &token_grads);
        let g = grads.linear(0, self.embedding(), g, hidden);
        let g = grads.norm(last, self.final_norm(), g, chosen);
        let spread = Tensor::zeros(x.dims(), &device).select_assign(0, places, g, IndexingUpdateOp::Add);
        Ok((losses.iter().map(|&loss| f64::from(loss)).sum(), spread))
    }

    fn layer_backward(
        &self,
        layer: usize,
        g: Tensor<2>,
        tape: Tape,
        rows: &Rows,
        grads: &mut Gradients<'_>,
    ) -> Tensor<2> {
        let at = |part| (Self::position(layer, part), self.part(layer, part));
        let Tape { x, normed, attention, middle, middle_normed, gate_up, activated } = tape;
        let (position, weight) = at(Part::Down);
        let back = grads.linear(position, weight, g.clone(), activated);
        let back = ops::swiglu_backward(back, gate_up);
        let (position, weight) = at(Part::GateUp);
        let back = grads.linear(position, weight, back, middle_normed);
        let (position, weight) = at(Part::FeedForwardNorm);
        let g = g + grads.norm(position, weight, back, middle);

        let (position, weight) = at(Part::Output);
        let back = grads.linear(position, weight, g.clone(), attention.out.clone());
        let back = ops::attention_backward(back, attention, rows.heads, &rows.segments);
        let back = ops::rope(back, &rows.rotation, rows.heads, true);
        let (position, weight) = at(Part::Qkv);
        let back = grads.linear(position, weight, back, normed);
        let (position, weight) = at(Part::AttentionNorm);
        g + grads.norm(position, weight, back, x)
    }
}
