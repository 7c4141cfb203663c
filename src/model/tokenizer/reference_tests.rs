//! Tokenizers of GGUF files against llama.cpp's, on the texts and vocabularies of scripts/make-tokenizer-fixtures.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{super::gguf::GgufFile, Tokenizer};

pub(super) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers").join(name)
}

pub(super) fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

pub(super) fn expected() -> (Vec<String>, Value) {
    let mut value = json("expected.json");
    let texts: Vec<String> = serde_json::from_value(value["texts"].take()).unwrap();
    assert_eq!(texts.len(), 200);
    (texts, value["ids"].take())
}

pub(super) fn gguf(vocabulary: &str) -> GgufFile {
    GgufFile::open(&fixture(&format!("{vocabulary}.gguf"))).unwrap()
}

/// The texts that a tokenizer cuts otherwise, each with both results. Texts without ids are left out.
pub(super) fn differences(tokenizer: &Tokenizer, texts: &[String], ids: &Value) -> Vec<String> {
    let mut different = Vec::new();
    for (text, ids) in texts.iter().zip(ids.as_array().unwrap()).filter(|(_, ids)| !ids.is_null()) {
        let ids: Vec<u32> = serde_json::from_value(ids.clone()).unwrap();
        let ours = tokenizer.encode(text).unwrap();
        if ours != ids {
            different.push(format!("{text:?}: {ours:?}, not {ids:?}"));
        }
    }
    different
}

#[test]
fn every_scheme_cuts_texts_as_llama_cpp_does() {
    let (texts, ids) = expected();
    for name in ["gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-coder", "deepseek-llm", "llama-spm"] {
        let different = differences(&Tokenizer::from_gguf(&gguf(name)).unwrap(), &texts, &ids[name]);
        // Qwen2 composes characters first, as its makers' tokenizer does; llama.cpp leaves that out, and takes `</s>`, which is
        // an ordinary and never written token of Qwen2, for a control token.
        let left_out = |text: &&String| {
            name != "qwen2" || !["\\u{301}", "\\u{30a}", "</s>"].iter().any(|part| text.contains(part))
        };
        let different: Vec<_> = different.iter().filter(left_out).collect();
        assert!(different.is_empty(), "{name}: {} texts, such as {}", different.len(), different[0]);
    }
}

#[test]
fn sentence_pieces_give_every_text_back() {
    let tokenizer = Tokenizer::from_gguf(&gguf("llama-spm")).unwrap();
    // `▁` is how a space is spelled, and comes back as one.
    let control = ["<s>", "</s>", "▁"];
    for text in expected().0.iter().filter(|text| !control.iter().any(|token| text.contains(token))) {
        assert_eq!(&tokenizer.decode(&tokenizer.encode(text).unwrap()), text);
    }
    assert_eq!(tokenizer.decode(&tokenizer.encode("<s>a b</s>").unwrap()), "a b");
}

/// `tokenizer.json` with a fixture's vocabulary, in the form in which Hugging Face has it.
#[allow(clippy::needless_pass_by_value)] // As `json!` gives it.
fn tokenizer_json(vocabulary: &str, parts: Value) -> Value {
    let tokenizer = Tokenizer::from_gguf(&gguf(vocabulary)).unwrap();
    let text = tokenizer.encoder.to_string(false).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for (key, value) in parts.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

pub(super) fn write(folder: &std::path::Path, files: &[(&str, Value)]) {
    for (name, content) in files {
        std::fs::write(folder.join(name), content.to_string()).unwrap();
    }
}

#[test]
fn tokenizer_json_gives_what_gguf_gives() {
    let (texts, ids) = expected();
    let spaces = json!({"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ]});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true});
    for (name, decoder, eos) in [
        ("llama-spm", spaces, "</s>"),
        ("llama-bpe", bytes.clone(), "<|eot_id|>"),
        ("deepseek-coder", bytes, "<｜end▁of▁sentence｜>"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config =
            json!({"eos_token": {"content": eos}, "bos_token": "<s>", "chat_template": "{{ messages[0].content }}!"});
        let files =
            [("tokenizer.json", tokenizer_json(name, json!({"decoder": decoder}))), ("tokenizer_config.json", config)];
        write(folder.path(), &files);
        let tokenizer = Tokenizer::from_hugging_face(folder.path()).unwrap();
        let different = differences(&tokenizer, &texts, &ids[name]);
        assert!(different.is_empty(), "{name}: {different:?}");
        let from_gguf = Tokenizer::from_gguf(&gguf(name)).unwrap();
        for ids in ids[name].as_array().unwrap() {
            let ids: Vec<u32> = serde_json::from_value(ids.clone()).unwrap();
            assert_eq!(tokenizer.decode(&ids), from_gguf.decode(&ids), "{name}");
        }
        assert_eq!(tokenizer.encode(eos).unwrap(), tokenizer.eos_ids()[..1]);
        assert_eq!(tokenizer.vocab_size(), from_gguf.vocab_size());
    }
}
