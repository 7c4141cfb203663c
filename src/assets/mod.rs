//! What the program brings along: a data set, a small model and configurations, so that an installed binary works from any folder.
//!
//! The working folder's files win over the user's (`$XDG_CONFIG_HOME/sqlr1-tui`), the user's over the built-in ones. The data set is
//! unpacked once into the cache folder (`$XDG_CACHE_HOME/sqlr1-tui`), because SQLite reads files.

mod unpack;

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::{dirs, settings::Settings};

/// What `data.root` says to mean the built-in data set, and `model.path` to mean the built-in model.
pub const DEMO: &str = "builtin:demo";

/// Where the data set lies in the working folder or the user's folder, if it does; the model is one of its files.
const PLACE: &str = "data/demo";
/// The model among the data set's files.
const MODEL: &str = "model.gguf";
/// A file without which a folder is no data set.
const QUESTIONS: &str = "dev.json";

static DEMO_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data/demo");
static CONFIGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/configs");

/// A built-in file that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// There is no place to unpack into.
    #[error("neither XDG_CACHE_HOME nor HOME names a folder to unpack the built-in data into; set one of them")]
    NoCache,
    /// Unpacking failed.
    #[error("cannot unpack the built-in data into {}: {source}", path.display())]
    Unpack {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The demonstration's folder in which `file` is found, the working folder's or the user's, if there is one.
fn own_demo(file: &str) -> Option<PathBuf> {
    let user = dirs::config().map(|folder| folder.join(PLACE));
    let own = [Some(PathBuf::from(PLACE)), user].into_iter().flatten().find(|folder| folder.join(file).is_file())?;
    Some(own.canonicalize().unwrap_or(own))
}

/// The folder of the built-in data set and model, unpacked.
///
/// # Errors
/// There is no room or no right to unpack.
pub fn demo() -> Result<PathBuf, AssetError> {
    let cache = dirs::cache().ok_or(AssetError::NoCache)?;
    unpack::unpack(&DEMO_FILES, &cache)
}

/// Puts paths in the place of [`DEMO`] in `data.root` and `model.path`.
///
/// # Errors
/// As [`demo`].
pub fn resolve(mut settings: Settings) -> Result<Settings, AssetError> {
    let mut unpacked = None;
    let mut place = |file: &str| match (own_demo(file), &unpacked) {
        (Some(own), _) => Ok(own),
        (None, Some(folder)) => Ok(PathBuf::clone(folder)),
        (None, None) => demo().inspect(|folder| unpacked = Some(folder.clone())),
    };
    if settings.data.root.as_deref() == Some(Path::new(DEMO)) {
        settings.data.root = Some(place(QUESTIONS)?);
    }
    if settings.model.path.as_deref() == Some(DEMO) {
        settings.model.path = Some(place(MODEL)?.join(MODEL).display().to_string());
    }
    Ok(settings)
}

/// A configuration by name, as `demo` for `configs/demo.yaml`: where it stands, and its text.
pub fn config(name: &str) -> Option<(PathBuf, String)> {
    let file = Path::new("configs").join(format!("{name}.yaml"));
    let user = dirs::config().map(|folder| folder.join(&file));
    let found = [Some(file), user]
        .into_iter()
        .flatten()
        .find_map(|path| Some((path.clone(), std::fs::read_to_string(&path).ok()?)));
    found.or_else(|| {
        let built_in = CONFIGS.get_file(format!("{name}.yaml"))?.contents_utf8()?;
        Some((PathBuf::from(format!("built-in configs/{name}.yaml")), built_in.to_owned()))
    })
}
