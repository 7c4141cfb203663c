//! Models from a hub with Hugging Face's interface, kept where Hugging Face's own tools keep theirs.
//!
//! What a repository holds, at which commit, with which sizes and hashes, is one request; files are then fetched by that commit,
//! resumed where a transfer broke off, and compared with size and SHA-256 before they count. The cache is laid out as
//! `huggingface_hub` lays it out: `models--ORG--NAME/blobs/HASH`, `snapshots/COMMIT/FILE` as links to those, `refs/main` with the
//! commit. That reference is written last, and so a snapshot that it names is whole.

mod cache;
mod choose;
mod pace;
mod transfer;

use std::{ops::ControlFlow, path::PathBuf, time::Duration};

use serde::Deserialize;

pub use self::{
    cache::Cache,
    pace::{Logged, Pace},
};
use self::{choose::choose, transfer::Transfer};
use super::ModelError;

/// Where models come from if `HF_ENDPOINT` names no other place.
const ENDPOINT: &str = "https://huggingface.co";
/// How long a hub may send nothing, if `HF_HUB_DOWNLOAD_TIMEOUT` does not say.
const PATIENCE: Duration = Duration::from_secs(30);
/// A list of files beyond this is none.
const MAX_LIST_BYTES: u64 = 16 << 20;

/// Hears how many bytes of how many are there, and may have the transfer broken off.
pub type Progress<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// A repository's name, and one GGUF file of it if it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `org/name`.
    pub repository: String,
    /// As in `org/name/file.gguf`.
    pub file: Option<String>,
}

/// A hub and the cache of what was fetched from it.
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    /// Whether nothing may be fetched.
    offline: bool,
    cache: Cache,
    /// How long the hub may send nothing.
    patience: Duration,
    agent: ureq::Agent,
}

/// What a repository holds.
#[derive(Deserialize)]
struct Listing {
    /// The commit.
    sha: String,
    siblings: Vec<Entry>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Entry {
    /// Its path in the repository.
    rfilename: String,
    size: Option<u64>,
    /// Git's hash of it.
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

/// What git's large file storage knows of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

impl Wanted {
    /// `org/name` or `org/name/file.gguf`, if the text has one of these forms.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |part: &&str| {
            let starts_well = part.starts_with(|c: char| c.is_ascii_alphanumeric());
            starts_well && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        };
        let is_gguf = |part: &str| part.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("gguf"));
        let parts: Vec<&str> = text.split('/').collect();
        if !parts.iter().all(plain) {
            return None;
        }
        match parts[..] {
            [organization, name] if !is_gguf(name) => {
                Some(Self { repository: format!("{organization}/{name}"), file: None })
            }
            [organization, name, file] if is_gguf(file) => {
                Some(Self { repository: format!("{organization}/{name}"), file: Some(file.to_owned()) })
            }
            _ => None,
        }
    }
}

impl Hub {
    /// The hub that the environment names: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`,
    /// `HF_HUB_DOWNLOAD_TIMEOUT`. Nothing if there is no place for a cache.
    pub fn from_env() -> Option<Self> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let cache = Cache::from_env()?;
        let token = text("HF_TOKEN").or_else(|| cache.token());
        let offline = text("HF_HUB_OFFLINE").is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "FALSE"));
        let patience = text("HF_HUB_DOWNLOAD_TIMEOUT").map(|seconds| seconds.trim().parse::<f64>());
        let patience = patience.and_then(|seconds| Duration::try_from_secs_f64(seconds.ok()?).ok());
        let patience = patience.filter(|patience| !patience.is_zero()).unwrap_or(PATIENCE);
        Some(Self::new(text("HF_ENDPOINT").as_deref().unwrap_or(ENDPOINT), token, cache, offline, patience))
    }

    /// A hub at `endpoint`, asked with `token`, that may send nothing for as long as `patience`.
    pub fn new(endpoint: &str, token: Option<String>, cache: Cache, offline: bool, patience: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_mins(1)))
            .timeout_per_read(Some(patience))
            .http_status_as_error(false)
            .user_agent(concat!("sqlr1-tui/", env!("CARGO_PKG_VERSION")))
            .build();
        let (endpoint, token) = (endpoint.trim_end_matches('/').to_owned(), token.map(|token| token.trim().to_owned()));
        Self { endpoint, token, offline, cache, patience, agent: agent.into() }
    }

    /// What the cache has: a folder in Hugging Face's layout, or a GGUF file.
    pub fn cached(&self, wanted: &Wanted) -> Option<PathBuf> {
        self.cache.find(wanted)
    }

    /// Fetches what is not there yet; the folder or the GGUF file.
    ///
    /// # Errors
    /// [`ModelError::NotFound`] if the hub cannot be reached or refuses, with what to do; if what it sends is not what it promised;
    /// if `progress` breaks off. [`ModelError::Io`] if the cache cannot be written. What was transferred is kept and taken up again.
    pub fn fetch(&self, wanted: &Wanted, progress: &mut Progress<'_>) -> Result<PathBuf, ModelError> {
        let error = |problem: String| ModelError::NotFound { wanted: wanted.repository.clone(), problem };
        if self.offline {
            return Err(error(format!("HF_HUB_OFFLINE forbids to fetch it; instead, {}", Self::by_hand(wanted))));
        }
        let listing = self.list(wanted).map_err(error)?;
        let chosen = choose(&listing.siblings, wanted).map_err(error)?;
        let commit = listing.sha;
        let total = chosen.iter().map(Entry::bytes).sum();
        tracing::info!("fetching {} from {}: {} files", wanted.repository, self.endpoint, chosen.len());
        let mut transfer = Transfer { hub: self, wanted, commit: &commit, done: 0, total, progress };
        for entry in &chosen {
            transfer.entry(entry)?;
        }
        self.cache.point(wanted, &commit)?;
        self.cached(wanted).ok_or_else(|| error("it is in the cache now, but not as a whole model".into()))
    }

    /// A request with the token. Redirects to other hosts do not get it.
    fn get(&self, path: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        let request = self.agent.get(format!("{}/{path}", self.endpoint));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn list(&self, wanted: &Wanted) -> Result<Listing, String> {
        let path = format!("api/models/{}/revision/main?blobs=true", wanted.repository);
        let mut answer = self.get(&path).call().map_err(|e| self.unreachable(&e, wanted))?;
        self.check_status(answer.status().as_u16())?;
        let text = answer.body_mut().with_config().limit(MAX_LIST_BYTES).read_to_string();
        let text = text.map_err(|e| self.unreachable(&e, wanted))?;
        let listing: Listing = serde_json::from_str(&text)
            .map_err(|e| format!("{} answers with something else than a list of files: {e}", self.endpoint))?;
        cache::check_hash(&listing.sha)?;
        Ok(listing)
    }

    fn check_status(&self, status: u16) -> Result<(), String> {
        let endpoint = &self.endpoint;
        match (status, &self.token) {
            (200..=299, _) => Ok(()),
            (401 | 403, None) => Err(format!(
                "{endpoint} wants a token ({status}): there is no such repository, or it is private or has conditions to accept; set \
                 HF_TOKEN to a token of an account that may read it"
            )),
            (401 | 403, Some(_)) => Err(format!(
                "{endpoint} does not accept the token in HF_TOKEN for it ({status}): it must be valid, of an account that may read the \
                 repository and has accepted its conditions"
            )),
            (404, _) => Err(format!("{endpoint} has no such repository or file (404)")),
            _ => Err(format!("{endpoint} answers with status {status}; try again later")),
        }
    }

    fn unreachable(&self, error: &ureq::Error, wanted: &Wanted) -> String {
        format!("cannot reach {}: {error}; without a network, {}", self.endpoint, Self::by_hand(wanted))
    }

    /// What to place where.
    fn by_hand(wanted: &Wanted) -> String {
        let folder = super::locate::own_folder(&wanted.repository)
            .map_or_else(|| "any folder".to_owned(), |folder| folder.display().to_string());
        format!(
            "put one GGUF file of it, or its config.json, tokenizer.json, tokenizer_config.json and model.safetensors (or the shards \
             with model.safetensors.index.json), into {folder}, or give --model the path of such a file or folder"
        )
    }
}

impl Entry {
    fn bytes(&self) -> u64 {
        self.lfs.as_ref().map(|lfs| lfs.size).or(self.size).unwrap_or(0)
    }

    /// The name under which the cache keeps it: SHA-256 of large files, git's hash of others.
    fn hash(&self) -> Option<&str> {
        self.lfs.as_ref().map(|lfs| lfs.sha256.as_str()).or(self.blob_id.as_deref())
    }
}
