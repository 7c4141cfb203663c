//! Theme files: `themes/<name>.yaml` in the working folder, else a copy inside the program.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::color::Paint;
use crate::dirs;

/// A theme could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Neither a file nor a built-in copy of that name.
    #[error("there is no theme `{name}`: no file {} and none built in; themes at hand: {known}", path.display())]
    Unknown {
        /// The name asked for.
        name: String,
        /// Where a file was looked for.
        path: PathBuf,
        /// Names that would do.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the theme {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no theme.
    #[error("{place}: {message}")]
    Invalid {
        /// File, line and column.
        place: String,
        /// The key, what is wrong with it, and what is allowed.
        message: String,
    },
}

macro_rules! keys {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name { $($(#[$key_doc])* pub $key: Paint,)* }
    };
}

keys! {
    /// Colours of everything but curves.
    Colors {
        background, panel, text, muted, border, focus, title, accent, on_accent, selection, good, warn, bad, gauge, gauge_rest,
        keyword, string, number,
    }
}

keys! {
    /// Colours of the curves.
    Charts { reward, accuracy, held_out, kl, loss, grad_norm, speed, memory, entropy, }
}

/// What lies behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// Contrast of text that the Web Content Accessibility Guidelines ask for (level AA).
fn readable() -> f64 {
    4.5
}

/// A theme as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThemeFile {
    /// The name shown when it is chosen.
    pub name: String,
    /// For which ground it is made; `None` if it takes the terminal's.
    #[serde(default)]
    pub kind: Option<Ground>,
    /// The theme of the other ground that goes with it.
    #[serde(default)]
    pub pair: Option<String>,
    /// The least contrast of its texts, 1 to 21.
    #[serde(default = "readable")]
    pub contrast: f64,
    /// Whether colours that must be told apart are so for eyes without red or green cones.
    #[serde(default)]
    pub colour_blind_safe: bool,
    pub(super) colors: Colors,
    pub(super) charts: Charts,
}

const BUILT_IN: [(&str, &str); 12] = [
    ("night", include_str!("../../../themes/night.yaml")),
    ("day", include_str!("../../../themes/day.yaml")),
    ("ember", include_str!("../../../themes/ember.yaml")),
    ("paper", include_str!("../../../themes/paper.yaml")),
    ("forest", include_str!("../../../themes/forest.yaml")),
    ("meadow", include_str!("../../../themes/meadow.yaml")),
    ("reef", include_str!("../../../themes/reef.yaml")),
    ("shoal", include_str!("../../../themes/shoal.yaml")),
    ("contrast", include_str!("../../../themes/contrast.yaml")),
    ("contrast-day", include_str!("../../../themes/contrast-day.yaml")),
    ("mono", include_str!("../../../themes/mono.yaml")),
    ("terminal", include_str!("../../../themes/terminal.yaml")),
];

impl ThemeFile {
    /// Reads a theme; `place` names the file in errors.
    ///
    /// # Errors
    /// [`ThemeError::Invalid`] with the line and the key.
    pub fn parse(text: &str, place: &str) -> Result<Self, ThemeError> {
        serde_yaml::from_str(text).map_err(|error| {
            let place = match error.location() {
                Some(at) => format!("{place}:{}:{}", at.line(), at.column()),
                None => place.to_owned(),
            };
            // The location is said in front, where editors find it.
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
            ThemeError::Invalid { place, message }
        })
    }

    /// The theme of a name: a file in `folder` wins over one in the user's folder, that over the built-in copy.
    ///
    /// # Errors
    /// When there is none of that name, or its file cannot be read or is no theme.
    pub fn load(name: &str, folder: &Path) -> Result<Self, ThemeError> {
        for path in Self::places(name, folder) {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Self::parse(&text, &path.display().to_string()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(ThemeError::Read { path, source }),
            }
        }
        match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            Some((name, text)) => Self::parse(text, &format!("built-in theme {name}")),
            None => Err(ThemeError::Unknown {
                name: name.into(),
                path: folder.join(format!("{name}.yaml")),
                known: Self::names(folder).join(", "),
            }),
        }
    }

    /// The file that a name's theme is read from; `None` for a built-in one.
    pub fn path(name: &str, folder: &Path) -> Option<PathBuf> {
        Self::places(name, folder).find(|path| path.is_file())
    }

    /// Where a theme's file may lie, the first before the second.
    fn places(name: &str, folder: &Path) -> impl Iterator<Item = PathBuf> {
        let file = format!("{name}.yaml");
        let user = dirs::config().map(|user| user.join("themes").join(&file));
        std::iter::once(folder.join(&file)).chain(user)
    }

    /// Names of all themes at hand, the built-in ones first.
    pub fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        let user = dirs::config().map(|user| user.join("themes"));
        let mut found: Vec<String> = std::iter::once(folder)
            .chain(user.as_deref())
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .filter_map(|path| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned))
            .filter(|name| !names.contains(name))
            .collect();
        found.sort();
        found.dedup();
        names.append(&mut found);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night() -> String {
        BUILT_IN[0].1.to_owned()
    }

    #[test]
    fn every_built_in_theme_reads_and_bears_its_name() {
        for (name, text) in BUILT_IN {
            assert_eq!(ThemeFile::parse(text, name).unwrap().name, name);
        }
    }

    #[test]
    fn every_built_in_theme_can_be_read_and_has_its_pair() {
        for (name, text) in BUILT_IN {
            let theme = ThemeFile::parse(text, name).unwrap();
            assert_eq!(super::super::contrast::check(&theme), [], "{name}");
            let Some(pair) = &theme.pair else { continue };
            let other = ThemeFile::load(pair, Path::new("")).unwrap();
            assert_eq!(other.pair.as_deref(), Some(name));
            assert_ne!(other.kind, theme.kind, "{name}");
        }
    }

    #[test]
    fn errors_name_file_line_and_key() {
        let cases = [
            (night().replace("focus:", "focuss:"), "themes/x.yaml:", "unknown field `focuss`"),
            (night().replace("  muted: \"#8690a6\"\n", ""), "themes/x.yaml:", "missing field `muted`"),
            (
                night().replace("\"#8690a6\"", "\"#86\""),
                "themes/x.yaml:11:",
                "colors.muted: invalid value: string \"#86\", expected a colour: \"#rrggbb\"",
            ),
            (
                night().replace("\"#8690a6\"", "[1]"),
                "themes/x.yaml:11:",
                "colors.muted: invalid type: sequence, expected a colour",
            ),
            (night().replace("\"#8690a6\"", "256"), "themes/x.yaml:11:", "colors.muted: invalid value: integer `256`"),
        ];
        for (text, place, message) in cases {
            let error = ThemeFile::parse(&text, "themes/x.yaml").unwrap_err().to_string();
            assert!(error.starts_with(place) && error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_file_wins_over_the_built_in_copy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("night.yaml"), night().replace("name: night", "name: mine")).unwrap();
        std::fs::write(folder.path().join("dusk.yaml"), night()).unwrap();
        assert_eq!(ThemeFile::load("night", folder.path()).unwrap().name, "mine");
        assert_eq!(
            ThemeFile::names(folder.path()),
            BUILT_IN.iter().map(|(name, _)| *name).chain(["dusk"]).collect::<Vec<_>>()
        );
        let error = ThemeFile::load("dawn", folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("no theme `dawn`") && error.contains("dawn.yaml") && error.contains("night, day"),
            "{error}"
        );
    }
}
