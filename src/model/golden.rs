//! Where tests find the golden values.

use std::path::PathBuf;

/// The folder of golden values: `SQLR1_GOLDEN`, else `../shared/golden` beside the repository.
pub(crate) fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    std::env::var_os("SQLR1_GOLDEN").map_or_else(beside, PathBuf::from)
}

/// A golden file as JSON; says so if this machine does not have it.
pub(crate) fn read(name: &str) -> Option<serde_json::Value> {
    let path = folder().join(name);
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Some(serde_json::from_str(&text).unwrap());
    }
    println!("skipped: no golden values at {}; set SQLR1_GOLDEN", path.display());
    None
}

/// A golden file as JSON lines; says so if this machine does not have it.
pub(crate) fn lines(name: &str) -> Option<Vec<serde_json::Value>> {
    let path = folder().join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no golden values at {}; set SQLR1_GOLDEN", path.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}
