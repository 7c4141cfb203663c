use serde_json::json;

use super::*;
use crate::model::ChatMessage;

/// A byte-level tokenizer of the letters a to d, `ab`, and two added tokens.
fn document() -> Value {
    let added = |id: u32, content: &str, special: bool| {
        json!({"id": id, "content": content, "special": special, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false})
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": [added(5, "<end>", true), added(6, "<note>", false)],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                  "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "ab": 4}, "merges": [["a", "b"]]},
    })
}

fn build(files: &[(&str, Value)]) -> Result<Tokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Tokenizer::from_hugging_face(folder.path()).map_err(|e| e.to_string())
}

#[test]
fn added_tokens_are_found_and_shown_only_if_they_do_not_steer() {
    let config = json!({"eos_token": "<end>", "bos_token": null});
    let tokenizer = build(&[(TOKENIZER_FILE, document()), (CONFIG_FILE, config)]).unwrap();
    let ids = tokenizer.encode("abc<note>d<end>").unwrap();
    assert_eq!((ids.as_slice(), tokenizer.vocab_size()), (&[4, 2, 6, 3, 5][..], 7));
    assert_eq!(tokenizer.decode(&[4, 6, 5, 99]), "ab<note>");
    assert_eq!(tokenizer.eos_ids(), [5]);
}

#[test]
fn ends_are_gathered_from_every_file_that_names_some() {
    let files = |generation: Value, model: Value| {
        build(&[(TOKENIZER_FILE, document()), (GENERATION_FILE, generation), (MODEL_FILE, model)])
    };
    let both = files(json!({"eos_token_id": [5, 3]}), json!({"eos_token_id": 5, "model_type": "llama"})).unwrap();
    assert_eq!(both.eos_ids(), [5, 3]);
    assert_eq!(files(json!({}), json!({"eos_token_id": 3})).unwrap().eos_ids(), [3]);
    assert!(files(json!({}), json!({"eos_token_id": 900})).err().unwrap().contains("names a token that ends"));
}

#[test]
fn templates_are_found_wherever_they_are() {
    let rendered = |files: &[(&str, Value)]| {
        let ends = (GENERATION_FILE, json!({"eos_token_id": 5}));
        let all = [&[(TOKENIZER_FILE, document()), ends], files].concat();
        build(&all).unwrap().chat_prompt(&[ChatMessage::user("q")], true).unwrap()
    };
    let in_config = |template: Value| (CONFIG_FILE, json!({"chat_template": template, "eos_token": "<end>"}));
    let named = json!([{"name": "tools", "template": "no"}, {"name": "default", "template": "two {{ eos_token }}"}]);
    assert_eq!(rendered(&[in_config(json!("one"))]), "one");
    assert_eq!(rendered(&[in_config(named)]), "two <end>");
    assert_eq!(rendered(&[in_config(json!("one")), (TEMPLATE_FILE, json!("three"))]), "three");
    assert!(rendered(&[]).starts_with("<|im_start|>user"));
}

#[test]
fn texts_stay_whole_whatever_length_the_file_asks_for() {
    let mut file = document();
    file["truncation"] = json!({"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 5});
    file["padding"] = json!({"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                             "pad_type_id": 0, "pad_token": "a"});
    let tokenizer = build(&[(TOKENIZER_FILE, file), (GENERATION_FILE, json!({"eos_token_id": 5}))]).unwrap();
    assert_eq!(tokenizer.encode("abcd").unwrap(), [4, 2, 3]);
}

/// What `SQLR1_FUZZ_TARGET=tokenizer scripts/fuzz` has found: the crate panicked.
#[test]
fn files_that_break_off_anywhere_are_refused() {
    let text = document().to_string();
    for length in 0..text.len() {
        assert!(build(&[(TOKENIZER_FILE, json!(text[..length]))]).is_err(), "{length} of {}", text.len());
    }
}

#[test]
fn damaged_and_other_tokenizers_are_refused() {
    let mut unigram = document();
    unigram["model"] = json!({"type": "Unigram", "unk_id": null, "vocab": [["a", 0.0]], "byte_fallback": false});
    let mut table = document();
    table["normalizer"] =
        json!({"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "AAAA"}]});
    let mut huge = document();
    huge["model"]["vocab"]["a"] = json!(4_000_000_000_u32);
    for (files, expected) in [
        (vec![], "cannot read"),
        (vec![(TOKENIZER_FILE, json!("{"))], TOKENIZER_FILE),
        (vec![(TOKENIZER_FILE, unigram)], "neither byte-level nor SentencePiece"),
        (vec![(TOKENIZER_FILE, table)], "has the normalizer Precompiled"),
        (vec![(TOKENIZER_FILE, huge)], "has a token with the id 4000000000"),
        (vec![(TOKENIZER_FILE, document()), (CONFIG_FILE, json!("["))], CONFIG_FILE),
        (vec![(TOKENIZER_FILE, document())], "names a token that ends"),
    ] {
        let error = build(&files).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
