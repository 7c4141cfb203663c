//! The bundled font: `JetBrains Mono` Regular, under the SIL Open Font License (`font/OFL.txt`).

use std::sync::OnceLock;

use ab_glyph::FontRef;
use plotters::style::{FontStyle, register_font};

use super::PlotError;

/// The name under which plotters knows the font.
pub const FAMILY: &str = "JetBrains Mono";

static BYTES: &[u8] = include_bytes!("font/JetBrainsMono-Regular.ttf");

/// Makes the font known to plotters, once.
pub fn register() -> Result<(), PlotError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = *REGISTERED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, BYTES).is_ok());
    if registered { Ok(()) } else { Err(PlotError::Draw("the bundled font is damaged".into())) }
}

/// The font for drawing single glyphs.
pub fn load() -> Result<FontRef<'static>, PlotError> {
    FontRef::try_from_slice(BYTES).map_err(|error| PlotError::Draw(format!("the bundled font is damaged: {error}")))
}
