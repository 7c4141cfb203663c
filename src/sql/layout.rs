//! Where a data folder keeps its databases: `<folder>/<db_id>/<db_id>.sqlite`, in Spider's or BIRD's layout.

use std::path::{Component, Path, PathBuf};

/// The names of folders with databases in them: Spider's, BIRD's two, and that of Spider's test questions. A database is
/// taken from the first that has it.
pub const DATABASE_FOLDERS: [&str; 4] = ["database", "train_databases", "dev_databases", "test_database"];

/// The folder of a database's files; where there is none, the one where it should be. `None` if the name is not plainly
/// one folder's name: nothing may climb, nest or start anew.
pub fn database_folder(root: &Path, db_id: &str) -> Option<PathBuf> {
    let mut parts = Path::new(db_id).components();
    let one = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == db_id);
    if !one || db_id.contains(['/', '\\', '\0', ':']) {
        return None;
    }
    let places = || DATABASE_FOLDERS.iter().map(|name| root.join(name));
    let found = places().map(|place| place.join(db_id)).find(|folder| folder.is_dir());
    let expected =
        || places().find(|place| place.is_dir()).unwrap_or_else(|| root.join(DATABASE_FOLDERS[0])).join(db_id);
    Some(found.unwrap_or_else(expected))
}

/// The database file that has its folder's name.
pub fn database_file(root: &Path, db_id: &str) -> Option<PathBuf> {
    database_folder(root, db_id).map(|folder| folder.join(format!("{db_id}.sqlite")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_found_in_either_layout() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(database_folder(root, "d").unwrap(), root.join("database/d"));
        std::fs::create_dir_all(root.join("dev_databases/d")).unwrap();
        assert_eq!(database_file(root, "d").unwrap(), root.join("dev_databases/d/d.sqlite"));
        assert_eq!(database_folder(root, "gone").unwrap(), root.join("dev_databases/gone"));
        std::fs::create_dir_all(root.join("database/d")).unwrap();
        assert_eq!(database_folder(root, "d").unwrap(), root.join("database/d"));
    }
}
