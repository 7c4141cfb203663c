//! What can go wrong with a picture.

use std::path::PathBuf;

/// A picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Nothing to draw.
    #[error("there is nothing to draw yet: no step is done")]
    Empty,
    /// The size makes no sense.
    #[error("a picture of {width}×{height} pixels cannot be drawn; allowed are {min}×{min} to {max}×{max}", min = crate::plot::curves::MIN, max = crate::plot::curves::MAX)]
    Size {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
    },
    /// The drawing library refused.
    #[error("cannot draw the curves: {0}")]
    Draw(String),
    /// The picture cannot be encoded.
    #[error("cannot encode the picture: {0}")]
    Encode(#[from] png::EncodingError),
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
