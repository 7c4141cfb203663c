//! Colours: theme files, what the terminal can show of them, and the styles that panels draw with.

mod color;
mod contrast;
mod file;
mod styles;

pub use color::ColorDepth;
pub(crate) use color::rgb as rgb_of;
pub use contrast::{Finding, check};
pub use file::{Ground, ThemeError, ThemeFile};
pub use styles::{ChartColor, Theme};
