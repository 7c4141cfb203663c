//! Where the program keeps things, after the XDG base directory specification.

use std::path::PathBuf;

/// The cache: `$XDG_CACHE_HOME/sqlr1-tui`, else `~/.cache/sqlr1-tui`. `None` if neither variable is set.
pub fn cache() -> Option<PathBuf> {
    base("XDG_CACHE_HOME", ".cache")
}

/// The user's configurations and themes: `$XDG_CONFIG_HOME/sqlr1-tui`, else `~/.config/sqlr1-tui`.
pub fn config() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", ".config")
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    // The specification has relative paths ignored.
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))?;
    Some(base.join("sqlr1-tui"))
}
