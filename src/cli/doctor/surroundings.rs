//! What the examinations look at, so that tests can put something else there.

use std::{
    collections::BTreeMap,
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// The system around the process.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// Where `/proc`, `/etc` and the like are.
    pub root: PathBuf,
    /// Columns and rows of the terminal, if there is one.
    pub terminal: Option<(u16, u16)>,
    /// The user's name.
    pub user: Option<String>,
    /// The user's number.
    pub uid: u32,
}

impl Surroundings {
    /// As they are.
    pub fn of_process() -> Self {
        let variables: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        let terminal = std::io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten();
        let user = ["USER", "LOGNAME"].iter().find_map(|name| variables.get(*name).cloned());
        Self { variables, root: PathBuf::from("/"), terminal, user, uid: rustix::process::geteuid().as_raw() }
    }

    /// An environment variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The text of a system file, `None` where it cannot be read.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    /// Where a system path is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(Path::new(path).strip_prefix("/").unwrap_or(Path::new(path)))
    }
}
