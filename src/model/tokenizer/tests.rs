use serde_json::Value;

use super::{
    super::gguf::testing::{Builder, smollm2},
    *,
};

fn smollm2_tokenizer() -> Option<Tokenizer> {
    let file = GgufFile::open(&smollm2()?).unwrap();
    Some(Tokenizer::from_gguf(&file).unwrap())
}

/// A vocabulary of the digits, the letters a and b, `ab`, and two control tokens.
fn tiny(pre: &str) -> Builder {
    let mut tokens: Vec<String> = ('0'..='9').chain(['a', 'b', 'Ġ']).map(String::from).collect();
    tokens.extend(["ab", "12", "<|im_end|>", "<|note|>"].map(str::to_owned));
    let mut kinds = vec![1; tokens.len()];
    kinds[15] = 3;
    kinds[16] = 4;
    Builder::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &kinds)
        .texts("tokenizer.ggml.merges", &["a b".to_owned(), "1 2".to_owned()])
}

fn build(builder: &Builder) -> Result<Tokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    Tokenizer::from_gguf(&builder.open(folder.path())).map_err(|e| e.to_string())
}

#[test]
fn token_ids_are_the_golden_ones() {
    let Some(tokenizer) = smollm2_tokenizer() else { return };
    let Some(golden) = crate::model::golden::read("smollm2_135m.json") else { return };
    let ids =
        |value: &Value| value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect::<Vec<_>>();
    let cases = golden["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        for part in ["prompt", "completion"] {
            let text = case[part].as_str().unwrap();
            assert_eq!(tokenizer.encode(text).unwrap(), ids(&case[&format!("{part}_ids")]), "{text}");
        }
        let greedy = ids(&case["greedy_24"]);
        assert_eq!(tokenizer.decode(&greedy), decode_by_crate(&tokenizer, &greedy));
    }
}

/// What the tokenizers crate makes of `ids`.
fn decode_by_crate(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let mut encoder = tokenizer.encoder.clone();
    encoder.with_decoder(Some(tokenizers::decoders::byte_level::ByteLevel::default()));
    encoder.decode(ids, true).unwrap()
}

#[test]
fn texts_survive_the_way_there_and_back() {
    let Some(tokenizer) = smollm2_tokenizer() else { return };
    let long = "SELECT name FROM singer WHERE age > 30; ".repeat(500);
    for text in ["", " ", "a  b\n\n\tc", "SELECT 'Zürich' -- 東京 🦀", "12345.678", "\u{0}\u{7f}\u{feff}", &long] {
        assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()), text);
    }
}

#[test]
fn control_tokens_in_a_text_are_one_id_and_never_shown() {
    let Some(tokenizer) = smollm2_tokenizer() else { return };
    let ids = tokenizer.encode("<|im_start|>user\nhi<|im_end|>").unwrap();
    assert_eq!((ids[0], ids.last()), (1, Some(&2)));
    assert_eq!(tokenizer.decode(&ids), "user\nhi");
    assert_eq!(tokenizer.eos_ids(), [2, 0]);
    assert_eq!(tokenizer.vocab_size(), 49152);
}

#[test]
fn the_template_of_the_file_is_used() {
    let Some(tokenizer) = smollm2_tokenizer() else { return };
    let prompt = tokenizer.chat_prompt(&[ChatMessage::user("How many?")], true).unwrap();
    let system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";
    let expected = format!(
        "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"
    );
    assert_eq!(prompt, expected);
}

#[test]
fn digits_are_grouped_as_the_scheme_says() {
    // `12` is a token; smollm and qwen2 never see two digits together, the others do.
    for (pre, expected) in
        [("smollm", &[13, 1, 2][..]), ("qwen2", &[13, 1, 2]), ("gpt-2", &[13, 14]), ("llama-bpe", &[13, 14])]
    {
        assert_eq!(build(&tiny(pre)).unwrap().encode("ab12").unwrap(), expected, "{pre}");
    }
}

#[test]
fn user_defined_tokens_are_shown() {
    let tokenizer = build(&tiny("gpt-2")).unwrap();
    let ids = tokenizer.encode("a<|note|>b<|im_end|>").unwrap();
    assert_eq!(ids, [10, 16, 11, 15]);
    assert_eq!(tokenizer.decode(&ids), "a<|note|>b");
    assert_eq!(tokenizer.eos_ids(), [15]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let list = |key: &str, values: &[&str]| {
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        let base = Builder::default().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "smollm");
        let base = if key == "tokenizer.ggml.tokens" {
            base
        } else {
            base.texts("tokenizer.ggml.tokens", &["a".into(), "<|im_end|>".into()])
        };
        let base = if key == "tokenizer.ggml.merges" { base } else { base.texts("tokenizer.ggml.merges", &[]) };
        base.texts(key, &values)
    };
    let model = |name: &str| {
        Builder::default().text("tokenizer.ggml.model", name).texts("tokenizer.ggml.tokens", &["a".into(), "b".into()])
    };
    let scored = |scores: &[f32]| model("llama").f32s("tokenizer.ggml.scores", scores);
    for (builder, expected) in [
        (tiny("mystery"), "pre-tokenizer `mystery` (tokenizer.ggml.pre) is not supported; use one of: gpt-2, smollm"),
        (model("bert"), "tokenizer `bert` (tokenizer.ggml.model) is not supported"),
        (model("llama"), "`tokenizer.ggml.scores`: is missing"),
        (scored(&[0.0]), "has 1 entries for 2 tokens"),
        (scored(&[0.0, f32::NAN]), "token 1 has no number"),
        (Builder::default(), "`tokenizer.ggml.tokens`: is missing"),
        (Builder::default().texts("tokenizer.ggml.tokens", &[]), "`tokenizer.ggml.model`: is missing"),
        (list("tokenizer.ggml.tokens", &["x", "y", "x"]), "tokens 0 and 2 are both \"x\""),
        (list("tokenizer.ggml.merges", &["ab"]), "entry 0 is \"ab\""),
        (list("tokenizer.ggml.merges", &["a q"]).u32("tokenizer.ggml.eos_token_id", 1), "`q` out of vocabulary"),
        (tiny("smollm").u32("tokenizer.ggml.eos_token_id", 99), "is 99, but there are 17 tokens"),
        (tiny("smollm").text("tokenizer.chat_template", "{% if %}"), "chat template"),
        (list("other", &[]), "no completion would ever end"),
        (list("other", &[]).i32s("tokenizer.ggml.token_type", &[1]), "1 entries for 2 tokens"),
        (
            list("other", &[]).i32s("tokenizer.ggml.token_type", &[1, 9]),
            "token 1, \"<|im_end|>\", has the unknown or unfitting type 9",
        ),
    ] {
        let error = build(&builder).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
