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
const KNOWN: [&str; 6] = ["gpt-2", "smollm", "qwen2", "llama-bpe", "deepseek-coder", "deepseek-llm"];

/// Contractions, then words with one leading mark; what the newer schemes begin with.
const WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+";
/// Marks, line ends and spaces; what the newer schemes end with.
const REST: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Letters that `DeepSeek` LLM tells from all others: Latin, Greek, Cyrillic and other alphabets with cases, as of Unicode 4 or so.
const CASED: &str = "\
    A-Za-z\u{B5}\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{1BA}\u{1BC}-\u{1BF}\u{1C4}-\u{293}\u{295}-\u{2AF}\
    \u{370}-\u{373}\u{376}\u{377}\u{37B}-\u{37D}\u{37F}\u{386}\u{388}-\u{38A}\u{38C}\u{38E}-\u{3A1}\
    \u{3A3}-\u{3F5}\u{3F7}-\u{481}\u{48A}-\u{52F}\u{531}-\u{556}\u{10A0}-\u{10C5}\u{13A0}-\u{13F5}\
    \u{13F8}-\u{13FD}\u{1C90}-\u{1CBA}\u{1CBD}-\u{1CBF}\u{1D00}-\u{1D2B}\u{1D6B}-\u{1D77}\u{1D79}-\u{1D9A}\
    \u{1E00}-\u{1F15}\u{1F18}-\u{1F1D}\u{1F20}-\u{1F45}\u{1F48}-\u{1F4D}\u{1F50}-\u{1F57}\u{1F59}\u{1F5B}\
    \u{1F5D}\u{1F5F}-\u{1F7D}\u{1F80}-\u{1FB4}\u{1FB6}-\u{1FBC}\u{1FBE}\u{1FC2}-\u{1FC4}\u{1FC6}-\u{1FCC}\
    \u{1FD0}-\u{1FD3}\u{1FD6}-\u{1FDB}\u{1FE0}-\u{1FEC}\u{1FF2}-\u{1FF4}\u{1FF6}-\u{1FFC}\u{2102}\u{2107}\
    \u{210A}-\u{2113}\u{2115}\u{2119}-\u{211D}\u{2124}\u{2126}\u{2128}\u{212A}-\u{212D}\u{212F}-\u{2134}\
    \u{2139}\u{213C}-\u{213F}\u{2145}-\u{2149}\u{214E}\u{2183}\u{2184}\u{2C00}-\u{2C7B}\u{2C7E}-\u{2CE4}\
    \u{2CEB}-\u{2CEE}\u{2CF2}\u{2CF3}\u{A640}-\u{A66D}\u{A680}-\u{A69B}\u{A722}-\u{A76F}\u{A771}-\u{A787}\
    \u{A78B}-\u{A78E}\u{AB70}-\u{ABBF}\u{FB00}-\u{FB06}\u{FB13}-\u{FB17}\u{FF21}-\u{FF3A}\u{FF41}-\u{FF5A}\
    \u{10400}-\u{1044F}\u{104B0}-\u{104D3}\u{104D8}-\u{104FB}\u{10C80}-\u{10CB2}\u{10CC0}-\u{10CF2}\
    \u{118A0}-\u{118DF}\u{1E900}-\u{1E943}";
/// What both of `DeepSeek`'s schemes keep together: Chinese characters, and a range from Samaritan to Hangul.
const UNSPACED: &str = "[\u{4E00}-\u{9FA5}\u{800}-\u{4E00}\u{AC00}-\u{D7FF}]+";

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
        "deepseek-coder" => (deepseek(&[r"\s?\p{L}+", r"\s?\p{P}+", UNSPACED, r"\p{N}"])?, None, false),
        "deepseek-llm" => {
            const MARKS: &str = "\\s?[!-/:-~\u{FF01}-\u{FF0F}\u{FF1A}-\u{FF5E}\u{2018}-\u{201F}\u{3000}-\u{3002}]+";
            (deepseek(&[&format!(r"\s?[{CASED}]+"), MARKS, r"\s+$", UNSPACED, r"\p{N}+"])?, None, false)
        }
        "llama-bpe" => (split_by(r"\p{N}{1,3}")?, None, true),
        _ => return Ok(None),
    };
    Ok(Some(Scheme { normalizer, pre_tokenizer: Sequence::new(steps), ignore_merges }))
}

/// The newer schemes, which differ in how they group digits.
fn split_by(digits: &str) -> Result<Vec<PreTokenizerWrapper>, ModelError> {
    let pattern = format!("{WORDS}|{digits}|{REST}");
    Ok(vec![isolated(&pattern)?, spelled_bytes()])
}

/// `DeepSeek`'s schemes: line ends by themselves, then one pattern after the other.
fn deepseek(patterns: &[&str]) -> Result<Vec<PreTokenizerWrapper>, ModelError> {
    let mut steps = vec![isolated("[\r\n]")?];
    for pattern in patterns {
        steps.push(isolated(pattern)?);
    }
    steps.push(spelled_bytes());
    Ok(steps)
}

/// Cuts out whatever matches.
fn isolated(pattern: &str) -> Result<PreTokenizerWrapper, ModelError> {
    let split = Split::new(SplitPattern::Regex(pattern.to_owned()), SplitDelimiterBehavior::Isolated, false);
    split.map(PreTokenizerWrapper::Split).map_err(|e| ModelError::Tokenizer(e.to_string()))
}

/// Spells bytes in GPT-2's alphabet, without cutting.
fn spelled_bytes() -> PreTokenizerWrapper {
    PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, false))
}
