//! How a cockpit looks and behaves.

use std::{path::PathBuf, time::Duration};

use super::{
    action::{Keymap, KeymapError},
    messages::Calling,
    past::PastRun,
    surroundings::Surroundings,
    symbols::Symbols,
    theme::{ColorDepth, Theme, ThemeError, ThemeFile},
};
use crate::settings::{ChartSetting, UiSettings};

/// Where and when the person is, for paths and times on the screen.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The working folder: paths in it are shown without it.
    pub folder: Option<PathBuf>,
    /// Seconds by which local time is ahead of UTC.
    pub utc_offset: i32,
    /// The run folder on show.
    pub run: Option<PathBuf>,
}

impl Place {
    /// The process's working folder and time zone.
    pub fn of_process() -> Self {
        Self { folder: std::env::current_dir().ok(), utc_offset: jiff::Zoned::now().offset().seconds(), run: None }
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
    /// A word that means nothing.
    #[error("ui.{key}: `{value}` is none of {allowed}")]
    Word {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
}

impl OptionsError {
    fn word(key: &'static str, value: &str, allowed: &'static str) -> Self {
        Self::Word { key, value: value.to_owned(), allowed }
    }
}

/// The theme that follows the terminal's background.
const AUTO: &str = "auto";
/// The theme that it begins with.
const FIRST_THEME: &str = "night";

/// Look and manners of a cockpit.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is a choice of its own.
pub struct CockpitOptions {
    /// The theme to start with.
    pub theme: Theme,
    /// Whether the terminal's background may choose the other theme of its pair.
    pub by_ground: bool,
    /// Where theme files are looked for.
    pub themes: PathBuf,
    /// Signs.
    pub symbols: &'static Symbols,
    /// Keys.
    pub keymap: Keymap,
    /// Shortest time between two frames.
    pub frame: Duration,
    /// Whether a slow line is spared; `None` lets the terminal's answer decide.
    pub sparing: Option<bool>,
    /// How a person is called.
    pub calling: Calling,
    /// Whether the window is named.
    pub title: bool,
    /// Whether the mouse is taken from the start.
    pub mouse: bool,
    /// Whether tmux stands between, and sequences are to be wrapped.
    pub tmux: bool,
    /// Where and when the person is.
    pub place: Place,
    /// The folder for pictures; `None` where the run folder is not to be written to.
    pub exports: Option<PathBuf>,
    /// The dashboard's charts; the method's own if empty.
    pub charts: Vec<ChartSetting>,
    /// Whether the charts' x-axis starts out logarithmic.
    pub log_x: bool,
    /// A past run to be seen beside the one on show.
    pub ghost: Option<PastRun>,
}

impl CockpitOptions {
    /// Options from the settings, and from what the environment says of the terminal.
    ///
    /// # Errors
    /// When the theme cannot be had, or keys are set that cannot be.
    pub fn from_environment(settings: &UiSettings) -> Result<Self, OptionsError> {
        let lookup = |name: &str| std::env::var(name).ok();
        let themes = PathBuf::from("themes");
        let by_ground = settings.theme == AUTO;
        let name = if by_ground { FIRST_THEME } else { &settings.theme };
        let theme = Theme::new(ThemeFile::load(name, &themes)?, ColorDepth::detect(lookup));
        let calling = Calling::of(&settings.notify)
            .ok_or_else(|| OptionsError::word("notify", &settings.notify, "off, bell, osc9, osc777"))?;
        let sparing = match settings.low_bandwidth.as_str() {
            "auto" => None,
            "on" => Some(true),
            "off" => Some(false),
            other => return Err(OptionsError::word("low_bandwidth", other, "auto, on, off")),
        };
        let tmux = lookup("TMUX").is_some_and(|value| !value.is_empty());
        let frame = Duration::from_secs(1) / settings.fps.clamp(1, 120);
        let (symbols, place) = (Symbols::detect(lookup), Place::of_process());
        let keymap = Keymap::with(&settings.keys)?;
        Ok(Self {
            theme,
            by_ground,
            themes,
            symbols,
            keymap,
            frame,
            sparing,
            calling,
            title: settings.title,
            mouse: settings.mouse,
            tmux,
            place,
            exports: None,
            charts: settings.charts.clone(),
            log_x: settings.log_x,
            ghost: None,
        })
    }

    /// The options as they are on a terminal of which this is known.
    #[must_use]
    pub(super) fn on(mut self, terminal: Surroundings) -> Self {
        let pair = self.theme.pair().filter(|_| self.by_ground && self.theme.kind() != terminal.ground);
        if let (Some(pair), Some(_)) = (pair, terminal.ground)
            && let Ok(file) = ThemeFile::load(pair, &self.themes)
        {
            self.theme = Theme::new(file, self.theme.depth());
        }
        self.sparing = self.sparing.or(Some(terminal.slow));
        self
    }

    /// The theme of a name, in this terminal's colours.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(super) fn theme_of(&self, name: &str) -> Result<Theme, ThemeError> {
        Ok(Theme::new(ThemeFile::load(name, &self.themes)?, self.theme.depth()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::theme::Ground;

    fn options(settings: &UiSettings) -> CockpitOptions {
        CockpitOptions::from_environment(settings).unwrap()
    }

    #[test]
    fn the_terminals_background_chooses_between_the_two_of_a_pair() {
        let terminal = |ground| Surroundings { ground, slow: false };
        let auto = options(&UiSettings::default());
        assert_eq!(auto.clone().on(terminal(Some(Ground::Light))).theme.name(), "day");
        assert_eq!(auto.clone().on(terminal(Some(Ground::Dark))).theme.name(), "night");
        assert_eq!(auto.on(terminal(None)).theme.name(), "night");
        let chosen = options(&UiSettings { theme: "ember".into(), ..UiSettings::default() });
        assert_eq!(chosen.on(terminal(Some(Ground::Light))).theme.name(), "ember");
    }

    #[test]
    fn a_slow_line_is_spared_unless_told_otherwise() {
        let slow = Surroundings { ground: None, slow: true };
        let with = |word: &str| options(&UiSettings { low_bandwidth: word.into(), ..UiSettings::default() });
        assert_eq!(with("auto").on(slow).sparing, Some(true));
        assert_eq!(with("off").on(slow).sparing, Some(false));
        assert_eq!(with("on").on(Surroundings::default()).sparing, Some(true));
    }

    #[test]
    fn words_that_mean_nothing_are_told() {
        let settings = UiSettings { notify: "loud".into(), ..UiSettings::default() };
        let error = CockpitOptions::from_environment(&settings).unwrap_err().to_string();
        assert_eq!(error, "ui.notify: `loud` is none of off, bell, osc9, osc777");
    }
}
