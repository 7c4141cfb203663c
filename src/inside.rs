//! Paths that stay where they belong, whatever a file from somebody else says and whatever links lie in its folder.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// The path that `name`, as a file names it, means below `root`; `None` if it is absolute or climbs.
pub fn join(root: &Path, name: &str) -> Option<PathBuf> {
    let mut parts = Path::new(name).components().peekable();
    let plain = parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| root.join(name))
}

/// Whether a file is below a folder once all links are followed. The folder itself may be a link.
///
/// # Errors
/// One of them is not there.
pub fn is_within(root: &Path, path: &Path) -> io::Result<bool> {
    Ok(fs::canonicalize(path)?.starts_with(fs::canonicalize(root)?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_neither_climb_nor_start_anew() {
        let root = Path::new("/r");
        assert_eq!(join(root, "a/b.bin"), Some("/r/a/b.bin".into()));
        for bad in ["../x", "a/../../x", "/etc/passwd", "", "./x", "a/.."] {
            assert_eq!(join(root, bad), None, "{bad}");
        }
    }

    #[test]
    fn links_out_of_the_folder_are_seen_and_links_to_it_are_none() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, alias) = (dir.path().join("root"), dir.path().join("alias"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("in"), "").unwrap();
        fs::write(other.path().join("secret"), "").unwrap();
        symlink(&root, &alias).unwrap();
        symlink(root.join("in"), root.join("link-in")).unwrap();
        symlink(other.path().join("secret"), root.join("link-out")).unwrap();
        symlink(other.path(), root.join("folder-out")).unwrap();
        let within = |name: &str| is_within(&alias, &alias.join(name)).unwrap();
        assert!(within("in") && within("link-in"));
        assert!(!within("link-out") && !within("folder-out/secret"));
        assert!(is_within(&root, &root.join("gone")).is_err());
    }
}
