//! Rewards: what a reply is worth, by itself and within its group.

pub mod advantage;
mod components;
mod gold;
mod layout;
mod overlap;
mod partial;
mod preview;
mod scorer;

pub use layout::Layout;
pub use partial::partial_credit;
pub use preview::preview;
pub use scorer::{Scored, Scorer};
