//! Who looks on at a run, and who steers it.

use serde::{Deserialize, Serialize};

/// What one viewer is told of itself and the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Viewers attached, this one included.
    pub viewers: usize,
    /// Who is in control, in the words that it gave of itself; `None` if nobody is.
    pub control: Option<String>,
    /// Whether this viewer is the one in control.
    pub mine: bool,
    /// Records that there was no room for on the way to this viewer. The stored ones among them it reads from the store.
    pub dropped: u64,
    /// Commands of this viewer that were refused because it was not in control.
    pub refused: u64,
}

impl Presence {
    /// A single viewer in control.
    pub fn alone() -> Self {
        Self { viewers: 1, control: Some(String::new()), mine: true, ..Self::default() }
    }
}
