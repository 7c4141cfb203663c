//! From what `--model` says to a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::ModelError;
use crate::dirs;

/// The GGUF file that `wanted` means: a file, a folder with exactly one GGUF file, or `org/name`, which stands for the
/// folder `models/org/name` in the cache (see [`dirs::cache`]).
///
/// # Errors
/// [`ModelError::NotFound`], which says what to put where.
pub fn locate(wanted: &str) -> Result<PathBuf, ModelError> {
    locate_in(wanted, dirs::cache().as_deref())
}

fn locate_in(wanted: &str, cache: Option<&Path>) -> Result<PathBuf, ModelError> {
    let error = |problem: String| ModelError::NotFound { wanted: wanted.to_owned(), problem };
    let path = Path::new(wanted);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if path.is_dir() {
        return only_gguf(path).map_err(error);
    }
    let Some(name) = repository(wanted) else {
        return Err(error(
            "there is no such file or folder; scripts/get-smollm2 fetches a small model and prints its path".into(),
        ));
    };
    let Some(folder) = cache.map(|cache| cache.join("models").join(name)) else {
        return Err(error(
            "there is no such file or folder, and without HOME there is no cache to look it up in".into(),
        ));
    };
    if folder.is_dir() {
        return only_gguf(&folder).map_err(error);
    }
    Err(error(format!(
        "models are not yet downloaded from a hub; put one GGUF file of it into {}, or give the path of a GGUF file",
        folder.display()
    )))
}

/// The only GGUF file in `folder`.
fn only_gguf(folder: &Path) -> Result<PathBuf, String> {
    let cannot = |e: std::io::Error| format!("cannot read the folder {}: {e}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    let has_extension = |path: &PathBuf, wanted: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(wanted));
    let mut found: Vec<&PathBuf> = files.iter().filter(|path| has_extension(path, "gguf")).collect();
    found.sort_unstable();
    match found[..] {
        [only] => Ok(only.clone()),
        [] if files.iter().any(|path| has_extension(path, "safetensors")) => {
            Err(format!("{} holds safetensors, which are not read yet; convert the model to GGUF", folder.display()))
        }
        [] => Err(format!("{} holds no GGUF file", folder.display())),
        _ => {
            let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).map(|n| n.to_string_lossy()).collect();
            Err(format!("{} holds several GGUF files; name one of {}", folder.display(), names.join(", ")))
        }
    }
}

/// `wanted`, if it has the form of a hub's `org/name`.
fn repository(wanted: &str) -> Option<&str> {
    let (organization, name) = wanted.split_once('/')?;
    let plain = |part: &str| {
        let starts_well = part.starts_with(|c: char| c.is_ascii_alphanumeric());
        starts_well && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let is_file_name = Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"));
    (plain(organization) && plain(name) && !is_file_name).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn problem(wanted: &str, cache: Option<&Path>) -> String {
        let error = locate_in(wanted, cache).unwrap_err();
        assert!(error.is_environment());
        let text = error.to_string();
        assert!(text.contains(wanted), "{text}");
        text
    }

    #[test]
    fn files_and_folders_with_one_model_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let (file, folder) = (dir.path().join("a/model.GGUF"), dir.path().join("a"));
        touch(&file);
        touch(&folder.join("README.md"));
        assert_eq!(locate_in(file.to_str().unwrap(), None).unwrap(), file);
        assert_eq!(locate_in(folder.to_str().unwrap(), None).unwrap(), file);
    }

    #[test]
    fn folders_without_or_with_several_models_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = dir.path().to_str().unwrap();
        assert!(problem(wanted, None).contains("holds no GGUF file"));
        touch(&dir.path().join("model.safetensors"));
        assert!(problem(wanted, None).contains("convert the model to GGUF"));
        touch(&dir.path().join("b.gguf"));
        touch(&dir.path().join("a.gguf"));
        assert!(problem(wanted, None).contains("name one of a.gguf, b.gguf"));
    }

    #[test]
    fn hub_names_are_looked_up_in_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Some(dir.path());
        let folder = dir.path().join("models/Org/A-1.5b_x");
        let text = problem("Org/A-1.5b_x", cache);
        assert!(text.contains("not yet downloaded") && text.contains(folder.to_str().unwrap()), "{text}");
        touch(&folder.join("q4.gguf"));
        assert_eq!(locate_in("Org/A-1.5b_x", cache).unwrap(), folder.join("q4.gguf"));
        assert!(problem("Org/B", None).contains("HOME"));
    }

    #[test]
    fn other_names_are_paths() {
        for wanted in ["nowhere", "./a/b", "/a/b", "../a", "a/../b", "~/a", "a/b.gguf", "a/b/c", "a/", "/b", "a\\b/c"] {
            assert!(problem(wanted, Some(Path::new("/cache"))).contains("no such file"), "{wanted}");
        }
    }
}
