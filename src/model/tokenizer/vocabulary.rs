//! Tokens, merges and special ids of a GGUF file, checked against each other.

use std::collections::HashMap;

use super::super::{
    ModelError,
    gguf::{GgufFile, Metadata},
};

/// ggml's token types; only what matters here is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Reached by merges.
    Normal,
    /// Steers the model; matched whole in a text, never shown.
    Control,
    /// Added by the model's makers; matched whole in a text, shown.
    UserDefined,
    /// Never written (unknown, unused, byte fallback).
    Other,
}

impl TokenKind {
    fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Normal),
            3 => Some(Self::Control),
            4 => Some(Self::UserDefined),
            2 | 5 | 6 => Some(Self::Other),
            _ => None,
        }
    }

    pub(super) fn is_control(self) -> bool {
        self == Self::Control
    }

    pub(super) fn is_user_defined(self) -> bool {
        self == Self::UserDefined
    }
}

/// What a file says of its tokens. A token's id is its position.
pub(super) struct Vocabulary {
    pub(super) tokens: Vec<String>,
    /// One for each token.
    pub(super) kinds: Vec<TokenKind>,
    /// Pairs that are joined, the first ones first.
    pub(super) merges: Vec<(String, String)>,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    /// End of a turn, where the file tells it from the end of a text.
    pub(super) eot: Option<u32>,
}

impl Vocabulary {
    pub(super) fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        const MODEL: &str = "tokenizer.ggml.model";
        let metadata = file.metadata();
        let model = metadata.require_string(MODEL)?;
        if model != "gpt2" {
            let what = format!("tokenizer `{model}` ({MODEL})");
            return Err(ModelError::unsupported(
                file.path(),
                what,
                "use a model with a byte-level BPE tokenizer (`gpt2`)",
            ));
        }
        let tokens = metadata.require_strings("tokenizer.ggml.tokens")?.to_vec();
        refuse_duplicates(metadata, &tokens)?;
        Ok(Self {
            kinds: kinds(metadata, tokens.len())?,
            merges: merges(metadata)?,
            bos: special_id(metadata, "tokenizer.ggml.bos_token_id", tokens.len())?,
            eos: special_id(metadata, "tokenizer.ggml.eos_token_id", tokens.len())?,
            eot: special_id(metadata, "tokenizer.ggml.eot_token_id", tokens.len())?,
            tokens,
        })
    }

    /// The id of the control token spelled `text`.
    pub(super) fn control_token(&self, text: &str) -> Option<u32> {
        let position = self.tokens.iter().zip(&self.kinds).position(|(token, kind)| kind.is_control() && token == text);
        position.map(|id| id as u32)
    }

    /// The spelling of a token.
    pub(super) fn text(&self, id: Option<u32>) -> Option<&str> {
        self.tokens.get(id? as usize).map(String::as_str)
    }
}

fn refuse_duplicates(metadata: &Metadata, tokens: &[String]) -> Result<(), ModelError> {
    let mut seen = HashMap::with_capacity(tokens.len());
    for (id, token) in tokens.iter().enumerate() {
        if let Some(first) = seen.insert(token, id) {
            let problem = format!("tokens {first} and {id} are both {token:?}");
            return Err(metadata.error("tokenizer.ggml.tokens", problem));
        }
    }
    Ok(())
}

fn kinds(metadata: &Metadata, tokens: usize) -> Result<Vec<TokenKind>, ModelError> {
    const KEY: &str = "tokenizer.ggml.token_type";
    let Some(codes) = metadata.integers(KEY)? else { return Ok(vec![TokenKind::Normal; tokens]) };
    if codes.len() != tokens {
        return Err(metadata.error(KEY, format!("has {} entries for {tokens} tokens", codes.len())));
    }
    let kind = |(id, code): (usize, &i64)| {
        TokenKind::from_code(*code).ok_or_else(|| metadata.error(KEY, format!("token {id} has unknown type {code}")))
    };
    codes.iter().enumerate().map(kind).collect()
}

fn merges(metadata: &Metadata) -> Result<Vec<(String, String)>, ModelError> {
    const KEY: &str = "tokenizer.ggml.merges";
    let split = |(rank, line): (usize, &String)| match line.split_once(' ') {
        // Byte-level tokens spell a space as U+0120, so that a real one can only be the separator.
        Some((left, right)) if !left.is_empty() && !right.is_empty() && !right.contains(' ') => {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => Err(metadata.error(KEY, format!("entry {rank} is {line:?}, not two tokens with a space between"))),
    };
    metadata.require_strings(KEY)?.iter().enumerate().map(split).collect()
}

fn special_id(metadata: &Metadata, key: &str, tokens: usize) -> Result<Option<u32>, ModelError> {
    match metadata.unsigned(key)? {
        Some(id) if id >= tokens => Err(metadata.error(key, format!("is {id}, but there are {tokens} tokens"))),
        id => Ok(id.map(|id| id as u32)),
    }
}
