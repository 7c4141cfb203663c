//! Byte-level BPE (Radford et al. 2019), from a GGUF file's tokens and merges.

use tokenizers::{
    PreTokenizerWrapper,
    models::bpe::{BPE, Vocab},
};

use super::{
    super::{
        ModelError,
        gguf::{GgufFile, Metadata},
    },
    pre_tokenizer::{self, Scheme},
    vocabulary::Vocabulary,
};

/// What turns texts into ids; control tokens are yet to be added.
pub(super) fn encoder(file: &GgufFile, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, ModelError> {
    let built = build(pre_tokenizer::scheme(file)?, vocabulary, merges(file.metadata())?);
    built.map_err(|e| ModelError::Tokenizer(format!("{}: {e}", file.path().display())))
}

/// The same from its parts; what is wrong with them.
pub(super) fn build(
    scheme: Scheme,
    vocabulary: &Vocabulary,
    merges: Vec<(String, String)>,
) -> Result<tokenizers::Tokenizer, String> {
    let ids = vocabulary.tokens.iter().cloned().zip(0..).collect::<Vocab>();
    let bpe = BPE::builder().vocab_and_merges(ids, merges).ignore_merges(scheme.ignore_merges).build();
    let bpe = bpe.map_err(|e| e.to_string())?;
    let mut encoder = tokenizers::Tokenizer::new(bpe);
    encoder.with_normalizer(scheme.normalizer);
    encoder.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(scheme.pre_tokenizer)));
    Ok(encoder)
}

/// Pairs that are joined, the first ones first.
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
