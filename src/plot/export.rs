//! Pictures on disk, whole or not at all.

use std::{fs, path::Path};

use super::{Look, PlotError, curves};
use crate::run::{atomic, event::Record};

/// Draws a run's curves into an SVG file, making its folder if need be.
///
/// # Errors
/// As [`export_curves`].
pub fn export_svg(records: &[Record], path: &Path, look: &Look) -> Result<(), PlotError> {
    let picture = curves::render_svg(records, curves::DEFAULT_SIZE, look)?;
    write_picture(picture.as_bytes(), path)
}

/// Draws a run's curves into a PNG file, making its folder if need be.
///
/// # Errors
/// [`PlotError::Empty`] before the first step; otherwise when drawing or writing fails.
pub fn export_curves(records: &[Record], path: &Path, look: &Look) -> Result<(), PlotError> {
    let picture = curves::render(records, curves::DEFAULT_SIZE, look)?;
    write_picture(&picture, path)
}

/// Writes a picture whole or not at all, making its folder if need be.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write_picture(bytes: &[u8], path: &Path) -> Result<(), PlotError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| atomic::write(path, bytes)).map_err(|source| PlotError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::fixture::RunBuilder;

    #[test]
    fn the_file_is_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/curves.png");
        export_curves(&RunBuilder::with_steps(3).records(), &path, &Look::PRINT).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn errors_name_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_picture(b"x", folder.path()).unwrap_err().to_string();
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }
}
