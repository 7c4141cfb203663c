//! Colours: theme files, what the terminal can show of them, and the styles that panels draw with.

mod color;
mod file;
mod styles;

pub use color::ColorDepth;
pub(crate) use color::rgb as rgb_of;
pub use file::{ThemeError, ThemeFile};
pub use styles::{ChartColor, Theme};
