//! What is known of a run, folded from its records.
//!
//! Live, attached and replayed runs are all folded here, and the drawing code reads nothing else; so everything on
//! screen can be rebuilt from the store. No terminal type comes in here.

mod curves;
mod flows;
mod fold;
mod log;
mod notices;
mod samples;
mod series;
mod timeline;

pub use curves::Curves;
pub use flows::Flows;
pub use fold::{Absence, Applied, RunView};
pub use log::{LogEntry, LogTail};
pub use notices::{Marker, MarkerKind, Notices, PastAlarm};
pub use samples::Samples;
pub use series::Series;
pub use timeline::{Axis, Timeline};

pub use crate::curve::Range;

#[cfg(test)]
mod tests;
