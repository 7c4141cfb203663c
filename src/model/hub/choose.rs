//! Which files of a repository make a model.

use super::{Entry, Wanted};
use crate::model::source::shards::{INDEX_FILE, SINGLE_FILE};

/// What is fetched beside weights in safetensors, where the repository has it.
const BESIDE: [&str; 5] =
    ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
/// What a model in safetensors cannot do without.
const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];

/// The files to fetch, weights last.
pub(super) fn choose(entries: &[Entry], wanted: &Wanted) -> Result<Vec<Entry>, String> {
    let find = |name: &str| entries.iter().find(|entry| entry.rfilename == name).cloned();
    if let Some(file) = &wanted.file {
        return find(file)
            .map(|entry| vec![entry])
            .ok_or_else(|| format!("the repository has no file {file}; {}", ggufs(entries)));
    }
    let weights = match find(SINGLE_FILE) {
        Some(single) => vec![single],
        None => match find(INDEX_FILE) {
            Some(index) => std::iter::once(index).chain(entries.iter().filter(|e| is_shard(e)).cloned()).collect(),
            None => Vec::new(),
        },
    };
    if weights.is_empty() {
        return only_gguf(entries);
    }
    if let Some(missing) = NEEDED.iter().find(|name| find(name).is_none()) {
        return Err(format!("the repository has weights in safetensors, but no {missing}"));
    }
    Ok(BESIDE.iter().filter_map(|name| find(name)).chain(weights).collect())
}

/// `model-00001-of-00002.safetensors`.
fn is_shard(entry: &Entry) -> bool {
    let numbers = entry.rfilename.strip_prefix("model-").and_then(|rest| rest.strip_suffix(".safetensors"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers.and_then(|numbers| numbers.split_once("-of-")).is_some_and(|(n, of)| digits(n) && digits(of))
}

fn is_gguf(entry: &Entry) -> bool {
    let name = entry.rfilename.to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(_, extension)| extension == "gguf")
        && !name.contains('/')
        && !name.starts_with("mmproj")
}

fn only_gguf(entries: &[Entry]) -> Result<Vec<Entry>, String> {
    let mut found = entries.iter().filter(|entry| is_gguf(entry));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(vec![only.clone()]),
        (None, _) => Err("the repository has neither safetensors (model.safetensors) nor GGUF files".into()),
        _ => Err(ggufs(entries)),
    }
}

fn ggufs(entries: &[Entry]) -> String {
    let names: Vec<&str> =
        entries.iter().filter(|entry| is_gguf(entry)).map(|entry| entry.rfilename.as_str()).collect();
    if names.is_empty() {
        return "it has no GGUF files".into();
    }
    format!(
        "it has several GGUF files; name one behind the repository's name, as in org/name/file.gguf: {}",
        names.join(", ")
    )
}
