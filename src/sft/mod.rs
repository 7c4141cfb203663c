//! Supervised fine-tuning on gold queries: of an adapter on a base model, or of a small model from scratch.
//!
//! Only the answer's tokens count in the loss. Questions on one database are computed together, as one packed sequence
//! in which the schema stands once and no question sees another; the result is that of separate sequences.

pub mod adapted;
pub mod bundle;
pub mod exam;
pub mod lessons;
pub mod network;
pub mod pupil;
pub mod scratch;
pub mod setup;
pub mod trainer;

pub use adapted::Adapted;
pub use bundle::Bundle;
pub use exam::Exam;
pub use lessons::{Deck, Lesson, Lessons, Limits};
pub use network::Network;
pub use pupil::Pupil;
pub use scratch::Scratch;
pub use trainer::Trainer;

#[cfg(test)]
mod tests;
