//! Trains a byte-level BPE vocabulary (Sennrich et al. 2016) with the `tokenizers` crate.

use std::collections::HashSet;

use serde::Deserialize;
use tokenizers::{
    AddedToken, PreTokenizerWrapper,
    models::{
        TrainerWrapper,
        bpe::{BPE, BpeTrainer},
    },
    pre_tokenizers::byte_level::ByteLevel,
};

use super::{super::ModelError, chat::CHATML, pre_tokenizer};
use crate::model::gguf::GgufWriter;

/// How texts are cut before merging: each digit by itself, then words. llama.cpp knows it under the same name.
pub(super) const PRE_TOKENIZER: &str = "smollm";
/// Control tokens, which take the first ids: end of text, start and end of a turn.
pub(super) const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
/// Tokens that there are before the first merge.
const BASE: usize = SPECIAL.len() + 256;

/// A trained vocabulary with `ChatML`'s control tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainedVocabulary {
    /// Spellings in GPT-2's alphabet; a token's id is its position.
    pub tokens: Vec<String>,
    /// Pairs that are joined, the first ones first.
    pub merges: Vec<(String, String)>,
}

/// What `tokenizers` tells of a model when it serializes it.
#[derive(Deserialize)]
struct Serialized {
    vocab: std::collections::HashMap<String, usize>,
    merges: Vec<(String, String)>,
}

impl TrainedVocabulary {
    /// Trains on `texts`, which hold no control tokens, until there are `size` tokens or nothing occurs twice any more.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if `size` leaves no room for the bytes and control tokens, or the training fails.
    pub fn train(texts: &[String], size: usize) -> Result<Self, ModelError> {
        if size < BASE {
            return Err(ModelError::Tokenizer(format!(
                "a vocabulary of {size} tokens is too small; bytes and control tokens alone take {BASE}"
            )));
        }
        let fail = |e: &dyn std::fmt::Display| ModelError::Tokenizer(format!("training: {e}"));
        let special = SPECIAL.map(|text| AddedToken::from(text, true)).to_vec();
        let alphabet: HashSet<char> = ByteLevel::alphabet().into_iter().collect();
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(size)
            .min_frequency(2)
            .special_tokens(special)
            .initial_alphabet(alphabet)
            .build();
        let scheme = pre_tokenizer::named(PRE_TOKENIZER)?;
        let scheme = scheme.ok_or_else(|| fail(&format!("pre-tokenizer {PRE_TOKENIZER} is unknown")))?;
        let mut tokenizer = tokenizers::Tokenizer::new(BPE::default());
        tokenizer.with_normalizer(scheme.normalizer);
        tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(scheme.pre_tokenizer)));
        tokenizer.train(&mut TrainerWrapper::BpeTrainer(trainer), texts.iter()).map_err(|e| fail(&e))?;
        let model = serde_json::to_value(tokenizer.get_model()).map_err(|e| fail(&e))?;
        let Serialized { vocab, merges } = serde_json::from_value(model).map_err(|e| fail(&e))?;
        let mut tokens: Vec<(usize, String)> = vocab.into_iter().map(|(token, id)| (id, token)).collect();
        tokens.sort_unstable();
        Ok(Self { tokens: tokens.into_iter().map(|(_, token)| token).collect(), merges })
    }

    /// Adds the tokenizer to a file, with `ChatML` as chat template.
    pub fn write(&self, writer: &mut GgufWriter) {
        let kinds: Vec<i32> = (0..self.tokens.len()).map(|id| if id < SPECIAL.len() { 3 } else { 1 }).collect();
        writer.text("tokenizer.ggml.model", "gpt2");
        writer.text("tokenizer.ggml.pre", PRE_TOKENIZER);
        writer.texts("tokenizer.ggml.tokens", self.tokens.iter());
        writer.integers("tokenizer.ggml.token_type", &kinds);
        writer.texts("tokenizer.ggml.merges", self.merges.iter().map(|(left, right)| format!("{left} {right}")));
        for (key, id) in [("bos", 1), ("eos", 2), ("padding", 0), ("unknown", 0)] {
            writer.u32(&format!("tokenizer.ggml.{key}_token_id"), id);
        }
        writer.boolean("tokenizer.ggml.add_bos_token", false);
        writer.text("tokenizer.chat_template", CHATML);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Tokenizer, *};
    use crate::model::gguf::GgufFile;

    fn texts() -> Vec<String> {
        let tables = ["singer", "concert", "stadium"];
        let lines = tables.iter().flat_map(|table| {
            (0..40).map(move |n| {
                format!("CREATE TABLE {table} (id INT, name TEXT);\nSELECT name FROM {table} WHERE id = {n} -- é'ü")
            })
        });
        lines.collect()
    }

    fn reader(vocabulary: &TrainedVocabulary) -> Tokenizer {
        let mut writer = GgufWriter::default();
        vocabulary.write(&mut writer);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.gguf");
        writer.write(&path).unwrap();
        Tokenizer::from_gguf(&GgufFile::open(&path).unwrap()).unwrap()
    }

    #[test]
    fn training_gives_the_same_vocabulary_every_time() {
        let first = TrainedVocabulary::train(&texts(), 300).unwrap();
        assert_eq!(first.tokens[..3], SPECIAL);
        assert!(first.tokens.len() == 300 && first.merges.len() == 300 - BASE);
        for _ in 0..10 {
            assert_eq!(TrainedVocabulary::train(&texts(), 300).unwrap(), first);
        }
    }

    #[test]
    fn words_of_the_texts_become_few_tokens_and_all_texts_survive() {
        let tokenizer = reader(&TrainedVocabulary::train(&texts(), 300).unwrap());
        let ids = tokenizer.encode("<|im_start|>user\nSELECT name FROM singer<|im_end|>").unwrap();
        assert_eq!((ids[0], ids.last()), (1, Some(&2)));
        assert!(ids.len() < 18, "{ids:?}");
        assert_eq!(tokenizer.eos_ids(), [2, 0]);
        for text in ["SELECT 'Zürich' -- 東京 🦀\r\n\t", "a  b\u{0}", "1234.5"] {
            assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()), text);
        }
    }

    #[test]
    fn the_reader_splits_as_the_trainer_did() {
        let vocabulary = TrainedVocabulary::train(&texts(), 400).unwrap();
        let ids = vocabulary.tokens.iter().cloned().zip(0..).collect::<tokenizers::models::bpe::Vocab>();
        let bpe = BPE::builder().vocab_and_merges(ids, vocabulary.merges.clone()).build().unwrap();
        let mut trainers = tokenizers::Tokenizer::new(bpe);
        let scheme = pre_tokenizer::named(PRE_TOKENIZER).unwrap().unwrap();
        trainers.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(scheme.pre_tokenizer)));
        let reader = reader(&vocabulary);
        for text in texts() {
            assert_eq!(reader.encode(&text).unwrap(), trainers.encode(text.as_str(), false).unwrap().get_ids());
        }
    }

    #[test]
    fn a_vocabulary_too_small_for_all_bytes_is_refused() {
        assert!(TrainedVocabulary::train(&texts(), 200).unwrap_err().to_string().contains("259"));
    }
}
