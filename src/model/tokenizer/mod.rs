//! Text to token ids and back, built from what a GGUF file says of its tokenizer.

mod chat;
mod fences;
mod pieces;
mod pre_tokenizer;
mod python;
mod spellings;
mod training;
mod vocabulary;

use std::sync::{Arc, OnceLock};

use tokenizers::{AddedToken, PreTokenizerWrapper, models::bpe::BPE};

pub use chat::ChatMessage;
pub use fences::Fences;
pub use spellings::Spellings;
pub use training::TrainedVocabulary;

use self::{chat::ChatTemplate, pieces::Pieces, vocabulary::Vocabulary};
use super::{ModelError, gguf::GgufFile};

/// Control tokens that end an assistant's turn whatever `eos_token_id` says; models also write the one of their base.
const TURN_ENDS: [&str; 3] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>"];

/// A byte-level BPE tokenizer with its chat template.
pub struct Tokenizer {
    encoder: tokenizers::Tokenizer,
    pieces: Arc<Pieces>,
    spellings: OnceLock<Arc<Spellings>>,
    eos_ids: Vec<u32>,
    fences: Arc<Fences>,
    chat: ChatTemplate,
}

impl Tokenizer {
    /// Builds the tokenizer of a file.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] for keys that are absent or contradict each other, [`ModelError::Unsupported`] for
    /// other kinds of tokenizers and unknown pre-tokenizers, [`ModelError::Tokenizer`] for merges that do not fit the
    /// vocabulary, [`ModelError::ChatTemplate`] for a template that does not compile.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        let vocabulary = Vocabulary::from_gguf(file)?;
        let chat = ChatTemplate::from_gguf(file, &vocabulary)?;
        let eos_ids = eos_ids(&vocabulary);
        if eos_ids.is_empty() {
            return Err(file
                .metadata()
                .error("tokenizer.ggml.eos_token_id", "is missing, so that no completion would ever end"));
        }
        let fences = Arc::new(Fences::new(vocabulary.tokens.iter().map(String::as_str)));
        Ok(Self {
            encoder: encoder(file, &vocabulary)?,
            pieces: Arc::new(Pieces::new(&vocabulary)),
            spellings: OnceLock::new(),
            eos_ids,
            fences,
            chat,
        })
    }

    /// Token ids of `text`. Special tokens spelled out in the text become their ids; none is added.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if the text cannot be split, for instance because a pattern gives up on it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.encoder.encode_fast(text, false).map_err(|e| ModelError::Tokenizer(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of `ids` without special tokens. Bytes that form no UTF-8 become U+FFFD, ids beyond the vocabulary
    /// (rows that pad the embedding) nothing.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.pieces.decode(ids)
    }

    /// Tokens that end a completion, the file's own end-of-sequence token first. Never empty.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    /// Which tokens make code fences.
    pub fn fences(&self) -> &Arc<Fences> {
        &self.fences
    }

    /// What each token spells.
    pub fn spellings(&self) -> &Arc<Spellings> {
        self.spellings.get_or_init(|| Arc::new(Spellings::new(Arc::clone(&self.pieces), self.eos_ids.clone())))
    }

    /// Number of tokens.
    pub fn vocab_size(&self) -> usize {
        self.pieces.len()
    }

    /// The conversation as the model was trained to see it; with `add_generation_prompt`, up to where the assistant
    /// begins to write.
    ///
    /// # Errors
    /// [`ModelError::ChatTemplate`] if the template refuses the conversation, fails, or runs too long.
    pub fn chat_prompt(&self, messages: &[ChatMessage], add_generation_prompt: bool) -> Result<String, ModelError> {
        self.chat.render(messages, add_generation_prompt)
    }
}

fn eos_ids(vocabulary: &Vocabulary) -> Vec<u32> {
    let mut ids: Vec<u32> = [vocabulary.eos, vocabulary.eot].into_iter().flatten().collect();
    ids.extend(TURN_ENDS.iter().filter_map(|text| vocabulary.control_token(text)));
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    ids
}

fn encoder(file: &GgufFile, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, ModelError> {
    let scheme = pre_tokenizer::scheme(file)?;
    let ids = vocabulary.tokens.iter().cloned().zip(0..).collect::<tokenizers::models::bpe::Vocab>();
    let bpe = BPE::builder()
        .vocab_and_merges(ids, vocabulary.merges.clone())
        .ignore_merges(scheme.ignore_merges)
        .build()
        .map_err(|e| ModelError::Tokenizer(format!("{}: {e}", file.path().display())))?;
    let mut encoder = tokenizers::Tokenizer::new(bpe);
    encoder.with_normalizer(scheme.normalizer);
    encoder.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(scheme.pre_tokenizer)));
    let added = |special| {
        let tokens = vocabulary.tokens.iter().zip(&vocabulary.kinds);
        let chosen = tokens.filter(move |(_, kind)| if special { kind.is_control() } else { kind.is_user_defined() });
        chosen.map(move |(text, _)| AddedToken::from(text.as_str(), special).normalized(false)).collect::<Vec<_>>()
    };
    encoder.add_special_tokens(&added(true));
    encoder.add_tokens(&added(false));
    Ok(encoder)
}

#[cfg(test)]
mod tests;
