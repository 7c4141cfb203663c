//! Where a data folder keeps its databases: `database/<db_id>/`, in Spider's layout.

use std::path::{Component, Path, PathBuf};

/// The folder of a database's files; `None` if the name is not plainly one folder's name: nothing may climb, nest or
/// start anew.
pub fn database_folder(root: &Path, db_id: &str) -> Option<PathBuf> {
    let mut parts = Path::new(db_id).components();
    let one = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == db_id);
    (one && !db_id.contains(['/', '\\', '\0', ':'])).then(|| root.join("database").join(db_id))
}

/// The database file that has its folder's name.
pub fn database_file(root: &Path, db_id: &str) -> Option<PathBuf> {
    database_folder(root, db_id).map(|folder| folder.join(format!("{db_id}.sqlite")))
}
