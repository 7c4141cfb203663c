//! Training curves and screens as pictures.

pub mod compare;
pub mod curves;
mod error;
mod export;
mod font;
mod glyph;
mod look;
mod marks;
mod panel;
mod picture;
pub mod screen;
pub mod screen_svg;

pub use error::PlotError;
pub use export::{export_curves, export_svg, write_picture};
pub use look::Look;
