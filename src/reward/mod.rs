//! Rewards: what a reply is worth.

mod gold;
mod partial;
mod preview;
mod scorer;

pub use partial::partial_credit;
pub use preview::preview;
pub use scorer::{Scored, Scorer};
