//! The mathematics of curves: ranges, smoothing, thinning, scales, ticks, histograms.
//!
//! Plain numbers in and out: no terminal and no tensor comes in here, so that screen and pictures share it.

mod histogram;
mod range;
mod scale;
mod smooth;
mod spacing;
mod thin;
mod ticks;

pub use histogram::Histogram;
pub use range::{Range, middle};
pub use scale::Scale;
pub use smooth::{Ema, Extremes};
pub use spacing::Spacing;
pub use thin::{clipped, envelope, thinned};
pub use ticks::{decades, round_ticks, time_decades, time_ticks};

/// A place on a curve: x, then value. Values may be NaN where there is none.
pub type Point = (f64, f64);
