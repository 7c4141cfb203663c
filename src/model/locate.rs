//! From what `--model` says to the model's files.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{
    ModelError,
    config::CONFIG_FILE,
    hub::{Hub, Logged, Progress, Wanted},
    source::shards::{INDEX_FILE, SINGLE_FILE},
};
use crate::dirs;

/// The GGUF file, or the folder in Hugging Face's layout, that `wanted` means: a file, a folder with exactly one GGUF file or with a
/// configuration and weights in safetensors, or `org/name` and `org/name/file.gguf`, which stand for the folder `models/org/name` in
/// this program's cache (see [`dirs::cache`]) or what was fetched from a hub before (see [`Hub`]). Nothing is fetched.
///
/// # Errors
/// [`ModelError::NotFound`], which says what to put where.
pub fn locate(wanted: &str) -> Result<PathBuf, ModelError> {
    locate_in(wanted, dirs::cache().as_deref(), Hub::from_env().as_ref())
}

/// As [`locate`]; what a hub may have and this machine has not is fetched.
///
/// # Errors
/// As [`locate`], and as [`Hub::fetch`].
pub fn locate_or_fetch(wanted: &str, progress: &mut Progress<'_>) -> Result<PathBuf, ModelError> {
    let hub = Hub::from_env();
    let found = locate_in(wanted, dirs::cache().as_deref(), hub.as_ref());
    match (found, hub, Wanted::parse(wanted)) {
        (Err(_), Some(hub), Some(name)) if is_nowhere(wanted) => {
            hub.fetch(&name, progress).map_err(|error| match error {
                // A mistyped path may look like a name.
                ModelError::NotFound { wanted, problem } => ModelError::NotFound {
                    wanted,
                    problem: format!("there is no such file or folder here, and {problem}"),
                },
                other => other,
            })
        }
        (found, _, _) => found,
    }
}

/// As [`locate_or_fetch`]; a transfer's progress is logged.
///
/// # Errors
/// As [`locate_or_fetch`].
pub fn locate_or_fetch_logged(wanted: &str) -> Result<PathBuf, ModelError> {
    let mut log = Logged::new(wanted);
    locate_or_fetch(wanted, &mut |done, total| {
        log.hear(done, total);
        ControlFlow::Continue(())
    })
}

/// Whether `wanted` is to be fetched before it can be used.
pub fn is_to_be_fetched(wanted: &str) -> bool {
    is_nowhere(wanted) && Wanted::parse(wanted).is_some() && locate(wanted).is_err()
}

/// Whether neither a path of this name nor a folder for it in this program's cache is there.
fn is_nowhere(wanted: &str) -> bool {
    let own = Wanted::parse(wanted).and_then(|name| own_folder(&name.repository));
    !Path::new(wanted).exists() && own.is_none_or(|folder| !folder.is_dir())
}

/// Where a person may place the files of `org/name`.
pub(super) fn own_folder(repository: &str) -> Option<PathBuf> {
    dirs::cache().map(|cache| cache.join("models").join(repository))
}

fn locate_in(wanted: &str, cache: Option<&Path>, hub: Option<&Hub>) -> Result<PathBuf, ModelError> {
    let error = |problem: String| ModelError::NotFound { wanted: wanted.to_owned(), problem };
    let path = Path::new(wanted);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if path.is_dir() {
        return only_model(path).map_err(error);
    }
    let Some(name) = Wanted::parse(wanted) else {
        return Err(error(
            "there is no such file or folder; scripts/get-smollm2 fetches a small model and prints its path".into(),
        ));
    };
    let Some(folder) = cache.map(|cache| cache.join("models").join(&name.repository)) else {
        return Err(error(
            "there is no such file or folder, and without HOME there is no cache to look it up in".into(),
        ));
    };
    if folder.is_dir() {
        return match &name.file {
            Some(file) if folder.join(file).is_file() => Ok(folder.join(file)),
            Some(file) => Err(error(format!("{} has no file {file}", folder.display()))),
            None => only_model(&folder).map_err(error),
        };
    }
    hub.and_then(|hub| hub.cached(&name)).ok_or_else(|| {
        error(format!(
            "was not fetched yet; a command that uses it does that, or put its files into {}",
            folder.display()
        ))
    })
}

/// The folder itself if it is a model in Hugging Face's layout, else its only GGUF file.
fn only_model(folder: &Path) -> Result<PathBuf, String> {
    let has = |name: &str| folder.join(name).is_file();
    if has(SINGLE_FILE) || has(INDEX_FILE) {
        return if has(CONFIG_FILE) {
            Ok(folder.to_owned())
        } else {
            Err(format!("{} holds weights in safetensors, but no {CONFIG_FILE}", folder.display()))
        };
    }
    only_gguf(folder)
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
        [] => Err(format!("{} holds neither a GGUF file nor {SINGLE_FILE}", folder.display())),
        _ => {
            let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).map(|n| n.to_string_lossy()).collect();
            Err(format!("{} holds several GGUF files; name one of {}", folder.display(), names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn problem(wanted: &str, cache: Option<&Path>) -> String {
        let error = locate_in(wanted, cache, None).unwrap_err();
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
        assert_eq!(locate_in(file.to_str().unwrap(), None, None).unwrap(), file);
        assert_eq!(locate_in(folder.to_str().unwrap(), None, None).unwrap(), file);
    }

    #[test]
    fn folders_without_or_with_several_models_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = dir.path().to_str().unwrap();
        assert!(problem(wanted, None).contains(&format!("holds neither a GGUF file nor {SINGLE_FILE}")));
        touch(&dir.path().join("model.safetensors"));
        assert!(problem(wanted, None).contains("holds weights in safetensors, but no config.json"));
        fs::remove_file(dir.path().join("model.safetensors")).unwrap();
        touch(&dir.path().join("b.gguf"));
        touch(&dir.path().join("a.gguf"));
        assert!(problem(wanted, None).contains("name one of a.gguf, b.gguf"));
    }

    #[test]
    fn a_folder_in_hugging_faces_layout_is_a_model() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = dir.path().to_str().unwrap();
        touch(&dir.path().join("model.safetensors"));
        assert!(problem(wanted, None).contains("no config.json"));
        touch(&dir.path().join("config.json"));
        assert_eq!(locate_in(wanted, None, None).unwrap(), dir.path());
    }

    #[test]
    fn hub_names_are_looked_up_in_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Some(dir.path());
        let folder = dir.path().join("models/Org/A-1.5b_x");
        let text = problem("Org/A-1.5b_x", cache);
        assert!(text.contains("not fetched yet") && text.contains(folder.to_str().unwrap()), "{text}");
        touch(&folder.join("q4.gguf"));
        assert_eq!(locate_in("Org/A-1.5b_x", cache, None).unwrap(), folder.join("q4.gguf"));
        assert!(problem("Org/B", None).contains("HOME"));
    }

    #[test]
    fn other_names_are_paths() {
        for wanted in [
            "nowhere",
            "./a/b",
            "/a/b",
            "../a",
            "a/../b",
            "~/a",
            "a/b.gguf",
            "a/b/c",
            "a/b/c/d.gguf",
            "a/",
            "/b",
            "a\\b/c",
        ] {
            assert!(problem(wanted, Some(Path::new("/cache"))).contains("no such file"), "{wanted}");
        }
    }
}
