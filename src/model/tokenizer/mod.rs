//! Text to token ids and back, from what a GGUF file says of its tokenizer or from Hugging Face's `tokenizer.json`.

mod byte_level;
mod bytes;
mod chat;
mod fences;
mod hugging_face;
mod pieces;
mod pre_tokenizer;
mod python;
mod sentence_piece;
mod spellings;
mod training;
mod vocabulary;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use tokenizers::AddedToken;

pub use chat::ChatMessage;
pub use fences::Fences;
pub use spellings::Spellings;
pub use training::TrainedVocabulary;

use self::{
    chat::ChatTemplate,
    pieces::{Alphabet, Pieces},
    vocabulary::Vocabulary,
};
use super::{ModelError, gguf::GgufFile};

/// Control tokens that end an assistant's turn whatever `eos_token_id` says; models also write the one of their base.
const TURN_ENDS: [&str; 3] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>"];

/// A BPE tokenizer, byte-level or `SentencePiece`, with its chat template.
pub struct Tokenizer {
    encoder: tokenizers::Tokenizer,
    pieces: Arc<Pieces>,
    spellings: OnceLock<Arc<Spellings>>,
    eos_ids: Vec<u32>,
    fences: Arc<Fences>,
    chat: ChatTemplate,
}

impl Tokenizer {
    /// Builds the tokenizer of a GGUF file or of a folder in Hugging Face's layout.
    ///
    /// # Errors
    /// As [`Self::from_gguf`] and [`Self::from_hugging_face`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        if path.is_dir() { Self::from_hugging_face(path) } else { Self::from_gguf(&GgufFile::open(path)?) }
    }

    /// Builds the tokenizer of a GGUF file.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] for keys that are absent or contradict each other, [`ModelError::Unsupported`] for
    /// other kinds of tokenizers and unknown pre-tokenizers, [`ModelError::Tokenizer`] for merges that do not fit the
    /// vocabulary, [`ModelError::ChatTemplate`] for a template that does not compile.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        const MODEL: &str = "tokenizer.ggml.model";
        let vocabulary = Vocabulary::from_gguf(file)?;
        let (mut encoder, alphabet) = match file.metadata().require_string(MODEL)? {
            "gpt2" => (byte_level::encoder(file, &vocabulary)?, Alphabet::ByteLevel),
            "llama" => {
                let space_prefix = sentence_piece::space_prefix(file)?;
                (sentence_piece::encoder(file, &vocabulary)?, Alphabet::SentencePiece { space_prefix })
            }
            other => {
                let what = format!("tokenizer `{other}` ({MODEL})");
                let remedy = "use a model with byte-level BPE (`gpt2`) or SentencePiece BPE (`llama`)";
                return Err(ModelError::unsupported(file.path(), what, remedy));
            }
        };
        add_tokens(&mut encoder, &vocabulary);
        let chat = ChatTemplate::from_gguf(file, &vocabulary)?;
        Self::assemble(encoder, &vocabulary, alphabet, chat).ok_or_else(|| {
            file.metadata().error("tokenizer.ggml.eos_token_id", "is missing, so that no completion would ever end")
        })
    }

    /// Nothing if no token ends a completion.
    fn assemble(
        encoder: tokenizers::Tokenizer,
        vocabulary: &Vocabulary,
        alphabet: Alphabet,
        chat: ChatTemplate,
    ) -> Option<Self> {
        let eos_ids = eos_ids(vocabulary);
        (!eos_ids.is_empty()).then(|| Self {
            encoder,
            pieces: Arc::new(Pieces::new(&vocabulary.tokens, &vocabulary.kinds, alphabet)),
            spellings: OnceLock::new(),
            eos_ids,
            fences: Arc::new(Fences::new(vocabulary.tokens.iter().map(String::as_str))),
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

    /// The kind, for people.
    pub fn kind(&self) -> &'static str {
        match self.pieces.alphabet() {
            Alphabet::ByteLevel => "byte-level BPE",
            Alphabet::SentencePiece { .. } => "SentencePiece BPE",
        }
    }

    /// Whether the chat template came with the model, and is not `ChatML` for want of one.
    pub fn has_own_template(&self) -> bool {
        self.chat.own
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
    let mut ids: Vec<u32> = vocabulary.eos.into_iter().chain(vocabulary.other_ends.iter().copied()).collect();
    ids.extend(TURN_ENDS.iter().filter_map(|text| vocabulary.control_token(text)));
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    ids
}

/// Has tokens that steer, and those that makers added, recognized wherever they are spelled out in a text.
fn add_tokens(encoder: &mut tokenizers::Tokenizer, vocabulary: &Vocabulary) {
    let added = |special| {
        let tokens = vocabulary.tokens.iter().zip(&vocabulary.kinds);
        let chosen = tokens.filter(move |(_, kind)| if special { kind.is_control() } else { kind.is_user_defined() });
        chosen.map(move |(text, _)| AddedToken::from(text.as_str(), special).normalized(false)).collect::<Vec<_>>()
    };
    encoder.add_special_tokens(&added(true));
    encoder.add_tokens(&added(false));
}

#[cfg(test)]
mod hub_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;
