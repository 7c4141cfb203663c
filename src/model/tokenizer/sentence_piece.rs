//! `SentencePiece` BPE (Kudo and Richardson 2018) with byte fallback, from a GGUF file's tokens and scores.
//!
//! `SentencePiece` joins the pair whose whole has the highest score. That is BPE with a merge for each way to cut a token in
//! two, ranked by the token's score, and so the same crate computes it.

use std::{cmp::Ordering, collections::HashMap};

use tokenizers::{
    NormalizerWrapper,
    models::bpe::BPE,
    normalizers::{Prepend, Replace, Sequence},
};

use super::{
    super::{
        ModelError,
        gguf::{GgufFile, Value},
    },
    pieces::SPACE,
    vocabulary::{TokenKind, Vocabulary},
};

/// Whether a space is put before each text, so that a word at its beginning is the token that it is elsewhere.
pub(super) fn space_prefix(file: &GgufFile) -> Result<bool, ModelError> {
    Ok(file.metadata().boolean("tokenizer.ggml.add_space_prefix")?.unwrap_or(true))
}

/// What turns texts into ids; control tokens are yet to be added.
pub(super) fn encoder(file: &GgufFile, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, ModelError> {
    let fail = |e: &dyn std::fmt::Display| ModelError::Tokenizer(format!("{}: {e}", file.path().display()));
    let ids = vocabulary.tokens.iter().cloned().zip(0..).collect::<tokenizers::models::bpe::Vocab>();
    let bpe = BPE::builder()
        .vocab_and_merges(ids, merges(vocabulary, scores(file, vocabulary.tokens.len())?))
        .byte_fallback(true)
        .build()
        .map_err(|e| fail(&e))?;
    let mut encoder = tokenizers::Tokenizer::new(bpe);
    let mut steps = Vec::new();
    if space_prefix(file)? {
        steps.push(NormalizerWrapper::Prepend(Prepend::new(SPACE.to_string())));
    }
    let spaces = Replace::new(" ", SPACE.to_string()).map_err(|e| fail(&e))?;
    steps.push(NormalizerWrapper::Replace(spaces));
    encoder.with_normalizer(Some(NormalizerWrapper::Sequence(Sequence::new(steps))));
    Ok(encoder)
}

/// One number for each token.
fn scores(file: &GgufFile, tokens: usize) -> Result<&[f64], ModelError> {
    const KEY: &str = "tokenizer.ggml.scores";
    let error = |problem: String| Err(file.metadata().error(KEY, problem));
    match file.metadata().get(KEY) {
        Some(Value::Floats(scores)) if scores.len() == tokens => match scores.iter().position(|score| score.is_nan()) {
            Some(id) => error(format!("token {id} has no number as score")),
            None => Ok(scores),
        },
        Some(Value::Floats(scores)) => error(format!("has {} entries for {tokens} tokens", scores.len())),
        Some(_) => error("is no array of floating-point numbers".into()),
        None => error("is missing".into()),
    }
}

/// Every way to cut a token into two others, the best whole first.
fn merges(vocabulary: &Vocabulary, scores: &[f64]) -> Vec<(String, String)> {
    let normal = vocabulary.kinds.iter().enumerate().filter(|(_, kind)| **kind == TokenKind::Normal);
    let ids: HashMap<&str, usize> = normal.map(|(id, _)| (vocabulary.tokens[id].as_str(), id)).collect();
    let mut merges = Vec::new();
    for (&token, &whole) in &ids {
        for (at, _) in token.char_indices().skip(1) {
            if let (Some(&left), Some(&right)) = (ids.get(&token[..at]), ids.get(&token[at..])) {
                merges.push((whole, left, right));
            }
        }
    }
    let better = |a: usize, b: usize| scores[b].partial_cmp(&scores[a]).unwrap_or(Ordering::Equal);
    merges.sort_unstable_by(|a, b| better(a.0, b.0).then(a.cmp(b)));
    let text = |id: usize| vocabulary.tokens[id].clone();
    merges.into_iter().map(|(_, left, right)| (text(left), text(right))).collect()
}
