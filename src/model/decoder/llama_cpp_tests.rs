//! Quantized GGUF files against llama.cpp's logits of them (`tests/fixtures/gguf`, by `scripts/make-llama-cpp-fixtures`).

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    super::{Source, load::load_weights},
    *,
};
use crate::settings::Quantize;

/// Logits at some positions.
type Logits = Vec<Vec<f32>>;

#[derive(Deserialize)]
struct Expected {
    tokens: Vec<u32>,
    positions: Vec<usize>,
    files: std::collections::BTreeMap<String, OfFile>,
}

#[derive(Deserialize)]
struct OfFile {
    /// On the weights expanded to float32.
    exact: Logits,
    /// On the file itself, where llama.cpp rounds activations to 8 bits.
    as_is: Logits,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gguf")
}

fn expected() -> Expected {
    serde_json::from_str(&std::fs::read_to_string(folder().join("expected.json")).unwrap()).unwrap()
}

fn ours(file: &str, quantize: Quantize, expected: &Expected) -> Logits {
    let source = Source::open(&folder().join(file)).unwrap();
    let Source::Gguf(gguf) = &source else { panic!("{file} is a GGUF file") };
    let config = ModelConfig::from_gguf(gguf).unwrap();
    let weights = load_weights(&source, &config, quantize, &crate::model::testing::device(), &mut |_, _| {}).unwrap();
    let logits = Decoder { config: &config, weights: &weights }.logits(&expected.tokens).unwrap();
    expected.positions.iter().map(|&position| logits[position].clone()).collect()
}

fn gaps(a: &Logits, b: &Logits) -> (f32, f32) {
    let gaps: Vec<f32> = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).collect();
    (gaps.iter().copied().fold(0.0, f32::max), gaps.iter().sum::<f32>() / gaps.len() as f32)
}

#[test]
fn quantized_files_have_the_logits_that_llama_cpp_computes_from_their_weights() {
    let expected = expected();
    assert_eq!(expected.files.len(), 14);
    for (file, theirs) in &expected.files {
        let packed = ours(file, Quantize::Auto, &expected);
        let (largest, mean) = gaps(&packed, &theirs.exact);
        let (rounded, rounded_mean) = gaps(&packed, &theirs.as_is);
        println!("{file}: {largest:.1e} at most, {mean:.1e} on average; as is {rounded:.2}, {rounded_mean:.3}");
        assert!(largest < 1e-3, "{file}: {largest}");
        assert!(rounded < 0.5 && rounded_mean < 0.1, "{file}: as is {rounded}, {rounded_mean}");
        let (between, _) = gaps(&packed, &ours(file, Quantize::None, &expected));
        assert!(between < 1e-3, "{file}: packed and expanded weights differ by {between}");
    }
}
