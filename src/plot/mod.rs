//! Training curves and screens as PNG pictures.

pub mod curves;
mod error;
mod export;
mod font;
mod glyph;
mod panel;
mod picture;
pub mod screen;

pub use error::PlotError;
pub use export::{export_curves, write_picture};
