//! How a text is cut before merging: one scheme per value of `tokenizer.ggml.pre`.

use tokenizers::{
    NormalizerWrapper, PreTokenizerWrapper,
    normalizers::unicode::NFC,
    pre_tokenizers::{
        byte_level::ByteLevel,
        digits::Digits,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
    tokenizer::normalizer::SplitDelimiterBehavior,
};

use super::super::{ModelError, gguf::GgufFile};

/// The schemes that [`scheme`] knows.
const KNOWN: [&str; 4] = ["gpt-2", "smollm", "qwen2", "llama-bpe"];

/// Contractions, then words with one leading mark; what the newer schemes begin with.
const WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+";
/// Marks, line ends and spaces; what the newer schemes end with.
const REST: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Everything that happens to a text before merging.
pub(super) struct Scheme {
    pub(super) normalizer: Option<NormalizerWrapper>,
    pub(super) pre_tokenizer: Sequence,
    /// Whether a piece that is a token as a whole is taken as it is.
    pub(super) ignore_merges: bool,
}

/// The scheme that the file names.
pub(super) fn scheme(file: &GgufFile) -> Result<Scheme, ModelError> {
    const KEY: &str = "tokenizer.ggml.pre";
    let name = file.metadata().require_string(KEY)?;
    named(name)?.ok_or_else(|| {
        let what = format!("pre-tokenizer `{name}` ({KEY})");
        ModelError::unsupported(file.path(), what, format!("use one of: {}", KNOWN.join(", ")))
    })
}

/// The scheme of this name, if it is known.
pub(super) fn named(name: &str) -> Result<Option<Scheme>, ModelError> {
    let words = || PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true));
    let (steps, normalizer, ignore_merges) = match name {
        "gpt-2" => (vec![words()], None, false),
        "smollm" => (vec![PreTokenizerWrapper::Digits(Digits::new(true)), words()], None, false),
        "qwen2" => (split_by(r"\p{N}")?, Some(NormalizerWrapper::NFC(NFC)), false),
        "llama-bpe" => (split_by(r"\p{N}{1,3}")?, None, true),
        _ => return Ok(None),
    };
    Ok(Some(Scheme { normalizer, pre_tokenizer: Sequence::new(steps), ignore_merges }))
}

/// The newer schemes, which differ in how they group digits.
fn split_by(digits: &str) -> Result<Vec<PreTokenizerWrapper>, ModelError> {
    let pattern = SplitPattern::Regex(format!("{WORDS}|{digits}|{REST}"));
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
        .map_err(|e| ModelError::Tokenizer(e.to_string()))?;
    let bytes = PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, false));
    Ok(vec![PreTokenizerWrapper::Split(split), bytes])
}
