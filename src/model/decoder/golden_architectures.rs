//! Tiny models of every architecture against the values that transformers gives (golden/README.md), and the same models as
//! GGUF files, written by the `gguf` package (scripts/make-tiny-gguf).

use burn::tensor::DType;
use serde_json::Value;

use super::{
    Decoder, PackedGroup,
    golden_tests::{floats, ids},
};
use crate::{
    model::{ModelConfig, gguf::GgufFile, golden, load::load_weights, source::Source, testing, weights::Weights},
    settings::Quantize,
};

pub(super) const ARCHITECTURES: [&str; 6] = ["llama", "llama3", "mistral", "qwen2", "qwen3", "deepseek_coder"];
/// Both the goldens' and ours are float32, and round in another order.
pub(super) const TOLERANCE: f64 = 1e-4;

pub(super) struct Tiny {
    config: ModelConfig,
    weights: Weights,
}

impl Tiny {
    fn load(source: &Source, config: ModelConfig, quantize: Quantize) -> Self {
        let mut weights = load_weights(source, &config, quantize, &testing::device(), &mut |_, _| {}).unwrap();
        weights.activations = testing::activations();
        Self { config, weights }
    }

    pub(super) fn safetensors(architecture: &str, quantize: Quantize) -> Option<Self> {
        let folder = golden::folder().join("tiny").join(architecture);
        if !folder.is_dir() {
            println!("skipped: no golden model at {}; set SQLR1_GOLDEN", folder.display());
            return None;
        }
        let config = ModelConfig::from_hugging_face(&folder.join("config.json")).unwrap();
        Some(Self::load(&Source::open(&folder).unwrap(), config, quantize))
    }

    pub(super) fn decoder(&self) -> Decoder<'_> {
        Decoder { config: &self.config, weights: &self.weights }
    }

    /// The most likely tokens after a prompt, one after the other.
    fn greedy(&self, prompt: &[u32], count: usize) -> Vec<u32> {
        let mut tokens = prompt.to_vec();
        for _ in 0..count {
            let rows = self.decoder().logits(&tokens).unwrap();
            let last = rows.last().unwrap();
            let best = (0..last.len()).max_by(|a, b| last[*a].total_cmp(&last[*b])).unwrap();
            tokens.push(best as u32);
        }
        tokens.split_off(prompt.len())
    }
}

pub(super) fn largest_difference(ours: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(ours.len(), expected.len());
    ours.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

fn check(tiny: &Tiny, expected: &Value, what: &str) {
    let rows = expected["input_ids"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (number, row) in rows.iter().enumerate() {
        let tokens = ids(row);
        let logits = tiny.decoder().logits(&tokens).unwrap();
        for (key, position) in [("logits_last", tokens.len() - 1), ("logits_at_30", 30)] {
            let golden = floats(&expected[key][number]);
            let difference = largest_difference(&logits[position], &golden);
            println!("{what}, row {number}, {key}: largest difference {difference:.1e}");
            assert!(difference < testing::allowed(TOLERANCE, &golden), "{what} {key}: {difference}");
        }
        let group = PackedGroup { prompt: tokens[..1].to_vec(), completions: vec![tokens[1..].to_vec()] };
        let scores = tiny.decoder().score(None, &group, 1.0).unwrap();
        let golden = floats(&expected["next_token_logprobs"][number]);
        let difference = largest_difference(&scores.logprobs[0], &golden);
        assert!(difference < testing::allowed(TOLERANCE, &golden), "{what}: log-probabilities differ by {difference}");
    }
}

#[test]
fn golden_architectures_compute_what_transformers_computes() {
    for architecture in ARCHITECTURES {
        let Some(tiny) = Tiny::safetensors(architecture, Quantize::None) else { return };
        let expected = golden::read(&format!("tiny/{architecture}/expected.json")).unwrap();
        check(&tiny, &expected, architecture);
        if testing::activations() != DType::F32 {
            // Two tokens that are about as likely change places.
            continue;
        }
        let greedy = ids(&expected["greedy_16"]);
        assert_eq!(tiny.greedy(&ids(&expected["input_ids"][0]), greedy.len()), greedy, "{architecture}");
    }
}

#[test]
fn golden_architectures_as_gguf_equal_those_as_safetensors() {
    let Some(folder) = std::env::var_os("SQLR1_TINY_GGUF").map(std::path::PathBuf::from) else {
        println!("skipped: set SQLR1_TINY_GGUF to where scripts/make-tiny-gguf has written");
        return;
    };
    for architecture in ARCHITECTURES {
        let Some(theirs) = Tiny::safetensors(architecture, Quantize::None) else { return };
        let file = GgufFile::open(&folder.join(format!("{architecture}.gguf"))).unwrap();
        let config = ModelConfig::from_gguf(&file).unwrap();
        assert_eq!(config.gguf_architecture(), theirs.config.gguf_architecture());
        let ours = Tiny::load(&Source::Gguf(file), config, Quantize::None);
        let tokens: Vec<u32> = (0..48).map(|i| i * 37 % 256).collect();
        let pairs = ours.decoder().logits(&tokens).unwrap().into_iter().zip(theirs.decoder().logits(&tokens).unwrap());
        let difference = pairs
            .flat_map(|(a, b)| a.into_iter().zip(b).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>())
            .fold(0.0, f32::max);
        println!("{architecture}: largest difference between GGUF and safetensors {difference:.1e}");
        assert!(f64::from(difference) < TOLERANCE, "{architecture}: {difference}");
        let expected = golden::read(&format!("tiny/{architecture}/expected.json")).unwrap();
        check(&ours, &expected, architecture);
    }
}
