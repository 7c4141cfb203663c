//! Tokens, their kinds and special ids, checked against each other.

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
    /// One byte of a character that has no token (`SentencePiece`).
    Byte(u8),
    /// Never written.
    Other,
}

impl TokenKind {
    fn from_code(code: i64, token: &str) -> Option<Self> {
        match code {
            1 => Some(Self::Normal),
            // `<unk>`, spelled out in a text, is that token.
            2 | 3 => Some(Self::Control),
            4 => Some(Self::UserDefined),
            5 => Some(Self::Other),
            6 => byte(token).map(Self::Byte),
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

/// The byte that `<0x0A>` stands for.
pub(super) fn byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// What files say of a model's tokens. A token's id is its position.
pub(super) struct Vocabulary {
    pub(super) tokens: Vec<String>,
    /// One for each token.
    pub(super) kinds: Vec<TokenKind>,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    /// More tokens that end a completion.
    pub(super) other_ends: Vec<u32>,
}

impl Vocabulary {
    pub(super) fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        let metadata = file.metadata();
        let tokens = metadata.require_strings("tokenizer.ggml.tokens")?.to_vec();
        refuse_duplicates(metadata, &tokens)?;
        Ok(Self {
            kinds: kinds(metadata, &tokens)?,
            bos: special_id(metadata, "tokenizer.ggml.bos_token_id", tokens.len())?,
            eos: special_id(metadata, "tokenizer.ggml.eos_token_id", tokens.len())?,
            other_ends: special_id(metadata, "tokenizer.ggml.eot_token_id", tokens.len())?.into_iter().collect(),
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

fn kinds(metadata: &Metadata, tokens: &[String]) -> Result<Vec<TokenKind>, ModelError> {
    const KEY: &str = "tokenizer.ggml.token_type";
    let Some(codes) = metadata.integers(KEY)? else { return Ok(vec![TokenKind::Normal; tokens.len()]) };
    if codes.len() != tokens.len() {
        return Err(metadata.error(KEY, format!("has {} entries for {} tokens", codes.len(), tokens.len())));
    }
    let kind = |(id, code): (usize, &i64)| {
        let token = &tokens[id];
        TokenKind::from_code(*code, token).ok_or_else(|| {
            metadata.error(KEY, format!("token {id}, {token:?}, has the unknown or unfitting type {code}"))
        })
    };
    codes.iter().enumerate().map(kind).collect()
}

fn special_id(metadata: &Metadata, key: &str, tokens: usize) -> Result<Option<u32>, ModelError> {
    match metadata.unsigned(key)? {
        Some(id) if id >= tokens => Err(metadata.error(key, format!("is {id}, but there are {tokens} tokens"))),
        id => Ok(id.map(|id| id as u32)),
    }
}
