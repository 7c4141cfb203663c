//! A tokenizer of bytes, for models that come without one.

use std::path::Path;

use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::{
    super::ModelError,
    Tokenizer, add_tokens, byte_level,
    chat::{CHATML, ChatTemplate},
    pieces::Alphabet,
    pre_tokenizer,
    training::{PRE_TOKENIZER, SPECIAL},
    vocabulary::{TokenKind, Vocabulary},
};

impl Tokenizer {
    /// `ChatML`'s control tokens, then one token for each byte.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if the tokenizer cannot be built.
    pub fn of_bytes() -> Result<Self, ModelError> {
        let fail = |problem: &str| ModelError::Tokenizer(format!("bytes: {problem}"));
        let mut bytes: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        bytes.sort_unstable();
        let tokens: Vec<String> =
            SPECIAL.iter().map(ToString::to_string).chain(bytes.into_iter().map(String::from)).collect();
        let kind = |id: usize| if id < SPECIAL.len() { TokenKind::Control } else { TokenKind::Normal };
        let kinds = (0..tokens.len()).map(kind).collect();
        let vocabulary = Vocabulary { tokens, kinds, bos: Some(1), eos: Some(2), other_ends: Vec::new() };
        let scheme = pre_tokenizer::named(PRE_TOKENIZER)?.ok_or_else(|| fail("no such pre-tokenizer"))?;
        let mut encoder = byte_level::build(scheme, &vocabulary, Vec::new()).map_err(|e| fail(&e))?;
        add_tokens(&mut encoder, &vocabulary);
        let chat = ChatTemplate::new(Some(CHATML), Path::new("bytes"), &vocabulary)?;
        Self::assemble(encoder, &vocabulary, Alphabet::ByteLevel, chat).ok_or_else(|| fail("no token ends a text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_token_and_texts_survive() {
        let tokenizer = Tokenizer::of_bytes().unwrap();
        assert_eq!(tokenizer.vocab_size(), 259);
        let text = "SELECT 'Zürich' -- 東京\r\n\t";
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!((ids.len(), tokenizer.decode(&ids).as_str()), (text.len(), text));
        assert_eq!(tokenizer.encode("<|im_start|>a<|im_end|>").unwrap().len(), 3);
        assert_eq!(tokenizer.eos_ids(), [2, 0]);
    }
}
