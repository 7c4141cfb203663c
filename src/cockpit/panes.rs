//! What the train view is made of.

/// A part of the screen that takes the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The grid of charts.
    Charts,
    /// A question with its candidates.
    Sample,
    /// The log.
    Log,
}

impl Pane {
    /// All panes, in the order of the focus.
    pub const ALL: [Pane; 3] = [Pane::Charts, Pane::Sample, Pane::Log];

    /// The pane so many places further, around the end.
    #[must_use]
    pub fn cycle(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}
