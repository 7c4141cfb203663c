//! The cache of models, in Hugging Face's layout.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::Wanted;
use crate::{
    inside,
    model::{
        ModelError,
        config::CONFIG_FILE,
        source::shards::{INDEX_FILE, SINGLE_FILE},
    },
};

/// The branch that is fetched.
const BRANCH: &str = "main";

/// A folder of models.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    token_file: Option<PathBuf>,
}

impl Cache {
    /// A cache in `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root, token_file: None }
    }

    /// `HF_HUB_CACHE`, else `HF_HOME/hub`, else `huggingface/hub` in `XDG_CACHE_HOME` or `~/.cache`.
    pub fn from_env() -> Option<Self> {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let below_cache = || path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")));
        let home = path("HF_HOME").or_else(|| Some(below_cache()?.join("huggingface")));
        let root = path("HF_HUB_CACHE").or_else(|| Some(home.as_ref()?.join("hub")))?;
        let token_file = path("HF_TOKEN_PATH").or_else(|| Some(home?.join("token")));
        Some(Self { root, token_file })
    }

    /// The token that `hf auth login` has left.
    pub(super) fn token(&self) -> Option<String> {
        let text = fs::read_to_string(self.token_file.as_ref()?).ok()?;
        Some(text.trim().to_owned()).filter(|token| !token.is_empty())
    }

    fn folder(&self, wanted: &Wanted) -> PathBuf {
        self.root.join(format!("models--{}", wanted.repository.replace('/', "--")))
    }

    /// Where a file with this hash is kept.
    pub(super) fn blob(&self, wanted: &Wanted, hash: &str) -> Result<PathBuf, String> {
        check_hash(hash)?;
        Ok(self.folder(wanted).join("blobs").join(hash))
    }

    /// A whole model of the newest commit that was fetched.
    pub(super) fn find(&self, wanted: &Wanted) -> Option<PathBuf> {
        let folder = self.folder(wanted);
        let commit = fs::read_to_string(folder.join("refs").join(BRANCH)).ok()?;
        check_hash(commit.trim()).ok()?;
        let snapshot = folder.join("snapshots").join(commit.trim());
        match &wanted.file {
            Some(file) => Some(snapshot.join(file)).filter(|path| path.is_file()),
            None if is_whole(&snapshot) => Some(snapshot),
            None => only_gguf(&snapshot),
        }
    }

    /// Lets the snapshot of `commit` have the blob as `name`.
    pub(super) fn link(&self, wanted: &Wanted, commit: &str, name: &str, hash: &str) -> Result<(), ModelError> {
        let error = |problem: String| ModelError::NotFound { wanted: wanted.repository.clone(), problem };
        let snapshot = self.folder(wanted).join("snapshots").join(commit);
        let path = inside::join(&snapshot, name)
            .ok_or_else(|| error(format!("the hub names a file {name:?}, which leads out")))?;
        if name.contains('/') {
            return Err(error(format!("the hub names a file {name:?} in a folder; models lie at the top")));
        }
        fs::create_dir_all(&snapshot).map_err(|e| ModelError::io("create", &snapshot, e))?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(ModelError::io("replace", &path, e)),
            _ => {}
        }
        let blob = Path::new("../../blobs").join(hash);
        symlink(blob, &path).map_err(|e| ModelError::io("link", &path, e))
    }

    /// Has `commit` count as the branch's newest.
    pub(super) fn point(&self, wanted: &Wanted, commit: &str) -> Result<(), ModelError> {
        let folder = self.folder(wanted).join("refs");
        let path = folder.join(BRANCH);
        fs::create_dir_all(&folder).map_err(|e| ModelError::io("create", &folder, e))?;
        fs::write(&path, commit).map_err(|e| ModelError::io("write", &path, e))
    }
}

/// Hashes become file names, and so must be nothing but hashes.
pub(super) fn check_hash(hash: &str) -> Result<(), String> {
    let is_hash = (40..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash {
        Ok(())
    } else {
        Err(format!("the hub names {:?} as a hash", hash.chars().take(80).collect::<String>()))
    }
}

/// Whether a folder has configuration, tokenizer and all weights. Other tools' caches may lack some.
fn is_whole(snapshot: &Path) -> bool {
    let has = |name: &str| snapshot.join(name).is_file();
    if !has(CONFIG_FILE) || !has("tokenizer.json") {
        return false;
    }
    let Ok(index) = fs::read(snapshot.join(INDEX_FILE)) else { return has(SINGLE_FILE) };
    let index: Option<serde_json::Value> = serde_json::from_slice(&index).ok();
    let shards = index.as_ref().and_then(|index| index["weight_map"].as_object());
    has(SINGLE_FILE) || shards.is_some_and(|map| map.values().all(|shard| shard.as_str().is_some_and(has)))
}

fn only_gguf(snapshot: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(snapshot).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found = files.filter(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")));
    found.next().filter(|path| path.is_file() && found.next().is_none())
}
