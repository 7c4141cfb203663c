//! The tokenizer of a model in Hugging Face's layout: `tokenizer.json`, and beside it the names of special tokens.

use std::{fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokenizers::PostProcessorWrapper;

use super::{
    super::ModelError,
    Tokenizer,
    chat::ChatTemplate,
    pieces::Alphabet,
    vocabulary::{TokenKind, Vocabulary, byte},
};

/// The tokenizer itself.
pub(super) const TOKENIZER_FILE: &str = "tokenizer.json";
/// Names of special tokens, and often the chat template.
const CONFIG_FILE: &str = "tokenizer_config.json";
/// How to generate, which names the tokens that end a completion.
const GENERATION_FILE: &str = "generation_config.json";
/// The model's shape; older models name the end of a text here only.
const MODEL_FILE: &str = "config.json";
/// The chat template, where it has a file of its own.
const TEMPLATE_FILE: &str = "chat_template.jinja";
/// A normalizer by a table.
const PRECOMPILED: &str = "Precompiled";
/// Padding of embeddings takes ids beyond the last token; nothing has this many.
const MAX_TOKENS: usize = 1 << 24;

/// What is read of [`CONFIG_FILE`].
#[derive(Default, Deserialize)]
struct Config {
    bos_token: Option<Named>,
    eos_token: Option<Named>,
    chat_template: Option<Value>,
}

/// A token's text, or an object around it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Text(String),
    Object { content: String },
}

/// What is read of [`GENERATION_FILE`] and [`MODEL_FILE`].
#[derive(Default, Deserialize)]
struct Ends {
    eos_token_id: Option<Ids>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Several(Vec<u32>),
}

impl Tokenizer {
    /// Builds the tokenizer of the model in `folder`.
    ///
    /// # Errors
    /// [`ModelError::Io`] for files that cannot be read, [`ModelError::Tokenizer`] for a `tokenizer.json` that is damaged or of
    /// another kind than byte-level or `SentencePiece` BPE, [`ModelError::Metadata`] for damaged files beside it,
    /// [`ModelError::ChatTemplate`] for a template that does not compile.
    pub fn from_hugging_face(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(TOKENIZER_FILE);
        let bytes = fs::read(&path).map_err(|e| ModelError::io("read", &path, e))?;
        let fail = |problem: String| ModelError::Tokenizer(format!("{}: {problem}", path.display()));
        // First: the crate panics at a file that breaks off in its decoder.
        let document: Value = serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string()))?;
        let alphabet = alphabet(&document)
            .ok_or_else(|| fail("is neither byte-level nor SentencePiece BPE; use a model with one of those".into()))?;
        let encoder = encoder(&bytes, &document).map_err(fail)?;
        let config: Config = optional(&folder.join(CONFIG_FILE))?;
        let vocabulary = vocabulary(&encoder, alphabet, &config, folder)?.map_err(fail)?;
        let own_file = folder.join(TEMPLATE_FILE);
        let template = match fs::read_to_string(&own_file) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => default_template(&config),
            Err(e) => return Err(ModelError::io("read", &own_file, e)),
        };
        let chat = ChatTemplate::new(template.as_deref(), folder, &vocabulary)?;
        Self::assemble(encoder, &vocabulary, alphabet, chat).ok_or_else(|| {
            fail(format!("neither {CONFIG_FILE} nor {GENERATION_FILE} beside it names a token that ends"))
        })
    }
}

/// The file's content, or nothing of all if there is no such file.
fn optional<T: Default + DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| ModelError::metadata(path, "(the whole file)", format!("cannot be read: {e}"))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(e) => Err(ModelError::io("read", path, e)),
    }
}

/// The only template, or the one called `default` of several.
fn default_template(config: &Config) -> Option<String> {
    match config.chat_template.as_ref()? {
        Value::String(text) => Some(text.clone()),
        Value::Array(named) => {
            let default = named.iter().find(|one| one["name"] == "default")?;
            default["template"].as_str().map(str::to_owned)
        }
        _ => None,
    }
}

/// The steps of a part of `tokenizer.json`: itself, and those that it lists.
fn steps<'a>(document: &'a Value, key: &str) -> Vec<&'a Value> {
    let part = &document[key];
    let inner = ["normalizers", "pretokenizers", "decoders"].into_iter().filter_map(|list| part[list].as_array());
    std::iter::once(part).chain(inner.flatten()).collect()
}

/// What turns texts into ids, and does nothing else with them.
fn encoder(bytes: &[u8], document: &Value) -> Result<tokenizers::Tokenizer, String> {
    // The crate panics where its table is damaged; BPE has none.
    if document["normalizer"].to_string().contains(PRECOMPILED) {
        return Err(format!("has the normalizer {PRECOMPILED}, which byte-level and SentencePiece BPE do without"));
    }
    let mut encoder = tokenizers::Tokenizer::from_bytes(bytes).map_err(|e| e.to_string())?;
    // A file may ask for texts of one length, as its makers last had them. Prompts are whole, and special tokens the template's.
    encoder.with_truncation(None).map_err(|e| e.to_string())?;
    encoder.with_padding(None).with_post_processor(None::<PostProcessorWrapper>);
    Ok(encoder)
}

/// How `tokenizer.json` spells bytes, told from its parts.
fn alphabet(document: &Value) -> Option<Alphabet> {
    let has = |key: &str, kind: &str| steps(document, key).iter().any(|part| part["type"] == kind);
    if document["model"]["type"] != "BPE" {
        return None;
    }
    if has("decoder", "ByteLevel") || has("pre_tokenizer", "ByteLevel") {
        return Some(Alphabet::ByteLevel);
    }
    let by_metaspace = steps(document, "pre_tokenizer")
        .iter()
        .any(|part| part["type"] == "Metaspace" && part["prepend_scheme"] != "never");
    let space_prefix = has("normalizer", "Prepend") || by_metaspace;
    (document["model"]["byte_fallback"] == true).then_some(Alphabet::SentencePiece { space_prefix })
}

/// All tokens by id, and which of them end a text.
fn vocabulary(
    encoder: &tokenizers::Tokenizer,
    alphabet: Alphabet,
    config: &Config,
    folder: &Path,
) -> Result<Result<Vocabulary, String>, ModelError> {
    let ids = encoder.get_vocab(true);
    let size = ids.values().max().map_or(0, |last| *last as usize + 1);
    if size > MAX_TOKENS {
        return Ok(Err(format!("has a token with the id {}", size - 1)));
    }
    // Ids without a token stay nameless and are never written.
    let mut tokens = vec![String::new(); size];
    let mut kinds = vec![TokenKind::Other; size];
    for (token, id) in ids {
        kinds[id as usize] = match (alphabet, byte(&token)) {
            (Alphabet::SentencePiece { .. }, Some(byte)) => TokenKind::Byte(byte),
            _ => TokenKind::Normal,
        };
        tokens[id as usize] = token;
    }
    for (id, added) in encoder.get_added_tokens_decoder() {
        kinds[id as usize] = if added.special { TokenKind::Control } else { TokenKind::UserDefined };
    }
    let id = |named: Option<&Named>| {
        let text = match named? {
            Named::Text(text) | Named::Object { content: text } => text,
        };
        encoder.token_to_id(text)
    };
    let mut other_ends = Vec::new();
    for name in [GENERATION_FILE, MODEL_FILE] {
        match optional::<Ends>(&folder.join(name))?.eos_token_id {
            Some(Ids::One(id)) => other_ends.push(id),
            Some(Ids::Several(ids)) => other_ends.extend(ids),
            None => {}
        }
    }
    other_ends.retain(|id| (*id as usize) < size);
    let (bos, eos) = (id(config.bos_token.as_ref()), id(config.eos_token.as_ref()));
    Ok(Ok(Vocabulary { tokens, kinds, bos, eos, other_ends }))
}

#[cfg(test)]
mod tests;
