//! The operations of [`super`] in plain tensor operations, on any backend: the reference that kernels are tested
//! against, and what runs where there is no kernel.

mod adapter;
mod attention;
mod cached;
mod head;
mod rows;

pub use adapter::{adapter_b_grad, add_adapter, reduce_adapter};
pub use attention::{attention, attention_backward};
pub use cached::cached_attention;
pub use head::{logit_statistics, logits_backward};
pub use rows::{rms_norm, rms_norm_backward, rope, swiglu, swiglu_backward};
