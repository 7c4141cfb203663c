//! Where tests find the reference values.

use std::path::PathBuf;

/// The JSON lines of a golden file; `None`, with a message, where the folder is absent.
pub(crate) fn golden_lines(name: &str) -> Option<Vec<serde_json::Value>> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    let path = std::env::var_os("SQLR1_GOLDEN").map_or_else(default, PathBuf::from).join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
