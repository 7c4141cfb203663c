//! Rewards: what a reply is worth.

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
