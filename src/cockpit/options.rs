//! How a cockpit looks and behaves.

use std::{path::PathBuf, time::Duration};

use super::{
    action::{Keymap, KeymapError},
    symbols::Symbols,
    theme::{ColorDepth, Theme, ThemeError, ThemeFile},
};
use crate::settings::UiSettings;

/// Where and when the person is, for paths and times on the screen.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The working folder: paths in it are shown without it.
    pub folder: Option<PathBuf>,
    /// Seconds by which local time is ahead of UTC.
    pub utc_offset: i32,
}

impl Place {
    /// The process's working folder and time zone.
    pub fn of_process() -> Self {
        Self { folder: std::env::current_dir().ok(), utc_offset: jiff::Zoned::now().offset().seconds() }
    }
}

/// Why a cockpit cannot look as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The theme.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeymapError),
}

/// Look and manners of a cockpit.
#[derive(Debug, Clone)]
pub struct CockpitOptions {
    /// The theme to start with.
    pub theme: Theme,
    /// Where theme files are looked for.
    pub themes: PathBuf,
    /// Signs.
    pub symbols: &'static Symbols,
    /// Keys.
    pub keymap: Keymap,
    /// Shortest time between two frames.
    pub frame: Duration,
    /// Where and when the person is.
    pub place: Place,
    /// The folder for pictures; `None` where the run folder is not to be written to.
    pub exports: Option<PathBuf>,
}

impl CockpitOptions {
    /// Options from the settings, and from what the environment says of the terminal.
    ///
    /// # Errors
    /// When the theme cannot be had, or keys are set that cannot be.
    pub fn from_environment(settings: &UiSettings) -> Result<Self, OptionsError> {
        let lookup = |name: &str| std::env::var(name).ok();
        let themes = PathBuf::from("themes");
        let theme = Theme::new(ThemeFile::load(&settings.theme, &themes)?, ColorDepth::detect(lookup));
        let frame = Duration::from_secs(1) / settings.fps.clamp(1, 120);
        let (symbols, place) = (Symbols::detect(lookup), Place::of_process());
        let keymap = Keymap::with(&settings.keys)?;
        Ok(Self { theme, themes, symbols, keymap, frame, place, exports: None })
    }

    /// The theme after this one among those at hand; themes that cannot be read are passed over.
    pub(super) fn next_theme(&self, current: &str) -> Option<Theme> {
        let names = ThemeFile::names(&self.themes);
        let at = names.iter().position(|name| name == current).map_or(0, |at| at + 1);
        (0..names.len())
            .filter_map(|i| ThemeFile::load(&names[(at + i) % names.len()], &self.themes).ok())
            .find(|file| file.name != current)
            .map(|file| Theme::new(file, self.theme.depth()))
    }
}
