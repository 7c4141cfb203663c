//! Tokenizers of models on the hub against their makers' libraries, on the texts and vocabularies of
//! scripts/make-hub-tokenizer-fixtures.

use serde_json::{Value, json};

use super::{
    super::gguf::testing::Builder,
    Tokenizer,
    reference_tests::{differences, expected, gguf, json as fixture, write},
};

/// `tokenizer.json` as GGUF metadata.
fn as_gguf(document: &Value, pre: &str, eos: &str) -> Builder {
    let vocabulary = document["model"]["vocab"].as_object().unwrap().iter();
    let mut tokens: Vec<(u64, &str, i32)> =
        vocabulary.map(|(token, id)| (id.as_u64().unwrap(), token.as_str(), 1)).collect();
    for added in document["added_tokens"].as_array().unwrap() {
        let kind = if added["special"] == true { 3 } else { 4 };
        tokens.push((added["id"].as_u64().unwrap(), added["content"].as_str().unwrap(), kind));
    }
    tokens.sort_unstable();
    assert!(tokens.iter().enumerate().all(|(position, (id, _, _))| position as u64 == *id));
    let merges = document["model"]["merges"].as_array().unwrap().iter();
    let merges = merges.map(|pair| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()));
    let end = tokens.iter().position(|(_, token, _)| *token == eos).unwrap();
    Builder::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", &tokens.iter().map(|(_, token, _)| (*token).to_owned()).collect::<Vec<_>>())
        .i32s("tokenizer.ggml.token_type", &tokens.iter().map(|(_, _, kind)| *kind).collect::<Vec<_>>())
        .texts("tokenizer.ggml.merges", &merges.collect::<Vec<_>>())
        .u32("tokenizer.ggml.eos_token_id", end as u32)
}

#[test]
fn tokenizer_json_of_the_hub_gives_what_hugging_faces_library_gives() {
    let ((texts, _), found) = (expected(), fixture("expected-hub.json"));
    for (name, pre, eos) in [
        ("qwen3", Some("qwen2"), "<|im_end|>"),
        ("llama-3.1", Some("llama-bpe"), "<|eot_id|>"),
        ("mistral-nemo", None, "</s>"),
    ] {
        let (folder, document) = (tempfile::tempdir().unwrap(), fixture(&format!("{name}.json")));
        let files = [("tokenizer.json", document.clone()), ("tokenizer_config.json", json!({ "eos_token": eos }))];
        write(folder.path(), &files);
        let tokenizer = Tokenizer::from_hugging_face(folder.path()).unwrap();
        assert_eq!(found["ids"][name].as_array().unwrap().len(), texts.len());
        let different = differences(&tokenizer, &texts, &found["ids"][name]);
        assert!(different.is_empty(), "{name}: {} texts, such as {}", different.len(), different[0]);
        assert_eq!(tokenizer.encode(eos).unwrap(), tokenizer.eos_ids()[..1], "{name}");
        if let Some(pre) = pre {
            let tokenizer = Tokenizer::from_gguf(&as_gguf(&document, pre, eos).open(folder.path())).unwrap();
            let different = differences(&tokenizer, &texts, &found["ids"][name]);
            assert!(different.is_empty(), "{name} as GGUF: {} texts, such as {}", different.len(), different[0]);
        }
    }
}

#[test]
fn pieces_of_mistral_are_those_of_the_sentence_piece_library() {
    let ((texts, _), found) = (expected(), fixture("expected-hub.json"));
    let (name, mut compared) = ("mistral-7b-v0.1", 0);
    let (ids, tokenizer) = (&found["ids"][name], Tokenizer::from_gguf(&gguf(name)).unwrap());
    let different = differences(&tokenizer, &texts, ids);
    assert!(different.is_empty(), "{} texts, such as {}", different.len(), different[0]);
    for (text, ids) in texts.iter().zip(ids.as_array().unwrap()).filter(|(_, ids)| !ids.is_null()) {
        let ids: Vec<u32> = serde_json::from_value(ids.clone()).unwrap();
        // `▁` is how a space is spelled, and comes back as one.
        assert_eq!(tokenizer.decode(&ids), text.replace('▁', " "));
        compared += 1;
    }
    assert_eq!(compared, 197, "texts that spell out no control token");
}
