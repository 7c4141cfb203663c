//! Supervised fine-tuning on gold queries: of an adapter on a base model, or of a small model from scratch.
//!
//! Only the answer's tokens count in the loss. Questions on one database are computed together, as one packed sequence
//! in which the schema stands once and no question sees another; the result is that of separate sequences.

pub mod bundle;
pub mod lessons;
pub mod network;

pub use bundle::Bundle;
pub use lessons::{Lesson, Lessons};
pub use network::Network;
