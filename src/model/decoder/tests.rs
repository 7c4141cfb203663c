//! The decoder against burn's autodiff over plain operations, one sequence at a time, on tiny random models.

use burn::tensor::{Int, TensorData, activation::log_softmax};

use super::*;
use crate::model::{
    Biases, RopeScaling,
    testing::{random_adapters, random_weights, tiny_config},
};

const TARGETS: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

fn group() -> PackedGroup {
    let ids = |from: u32, count: u32| (from..from + count).map(|i| i * 7 % 96).collect();
    PackedGroup { prompt: ids(3, 9), completions: vec![ids(50, 5), vec![], ids(11, 1), ids(20, 12)] }
}

fn token_weights(group: &PackedGroup) -> Vec<Vec<f32>> {
    let weight = |c: usize, j: usize| ((c * 5 + j) as f32 * 0.7).sin();
    group.completions.iter().enumerate().map(|(c, ids)| (0..ids.len()).map(|j| weight(c, j)).collect()).collect()
}

fn adapter_set(config: &ModelConfig, params: &[(String, Tensor<2>)]) -> AdapterSet {
    AdapterSet::new(config, 2.0, params.iter().map(|(name, value)| (name.as_str(), value))).unwrap()
}

fn values(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.try_to_vec_as().unwrap()
}

/// Log-probabilities `[completion]` of one completion after the prompt, as a graph.
fn naive(decoder: &Decoder<'_>, adapters: &AdapterSet, prompt: &[u32], completion: &[u32]) -> Tensor<1> {
    let ids: Vec<u32> = [prompt, completion].concat();
    let segments = Arc::new(Segments { prompt: ids.len(), completions: vec![] });
    let rotation = decoder.rotation(&segments.positions()).unwrap();
    let mut x = decoder.embed(&ids);
    for index in 0..decoder.weights.layers.len() {
        x = decoder.layer(index, Some(adapters), &rotation).forward(x, &segments).0;
    }
    let hidden = decoder.norm(x).narrow(0, prompt.len() - 1, completion.len());
    let logprobs = log_softmax(ops::matmul(hidden, decoder.weights.head()), 1);
    let targets: Vec<i64> = completion.iter().map(|&id| i64::from(id)).collect();
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [completion.len(), 1]), &decoder.device());
    logprobs.gather(1, targets).squeeze_dim(1)
}

struct Oracle {
    logprobs: Vec<Vec<f32>>,
    grads: Vec<Vec<f32>>,
}

/// Scores and gradients by autodiff, every completion by itself.
fn oracle(config: &ModelConfig, targets: &[&str], group: &PackedGroup) -> Oracle {
    let device = crate::model::testing::device().autodiff();
    let weights = random_weights(config, 1, &device);
    let params: Vec<(String, Tensor<2>)> = random_adapters(config, targets, 4, 2, &device)
        .into_iter()
        .map(|(name, value)| (name, value.require_grad()))
        .collect();
    let adapters = adapter_set(config, &params);
    let decoder = Decoder { config, weights: &weights };
    let mut logprobs = Vec::new();
    let mut loss = Tensor::<1>::zeros([1], &device);
    for (completion, token_weights) in group.completions.iter().zip(token_weights(group)) {
        if completion.is_empty() {
            logprobs.push(vec![]);
            continue;
        }
        let scores = naive(&decoder, &adapters, &group.prompt, completion);
        logprobs.push(scores.clone().try_into_vec_as().unwrap());
        loss = loss + (scores * Tensor::from_floats(token_weights.as_slice(), &device)).sum();
    }
    let gradients = loss.backward();
    let grads = params.iter().map(|(_, p)| p.grad(&gradients).unwrap().try_into_vec_as().unwrap()).collect();
    Oracle { logprobs, grads }
}

struct Ours {
    scores: TokenScores,
    grads: Vec<Vec<f32>>,
}

fn ours(targets: &[&str], group: &PackedGroup, recompute: Recompute, head_chunk: usize) -> Ours {
    computed(&tiny_config(), targets, group, BackwardOptions { recompute, head_chunk, dropout: None })
}

fn computed(config: &ModelConfig, targets: &[&str], group: &PackedGroup, options: BackwardOptions) -> Ours {
    let device = crate::model::testing::device();
    let weights = random_weights(config, 1, &device);
    let params = random_adapters(config, targets, 4, 2, &device);
    let adapters = adapter_set(config, &params);
    let decoder = Decoder { config, weights: &weights };
    let mut grads = LoraGrads::zeros(params.iter().map(|(_, value)| value));
    let mut loss = |_: &TokenScores| token_weights(group).into();
    let scores = decoder.backward(&adapters, group, 1.0, options, &mut loss, &mut grads).unwrap();
    let again = decoder.score(Some(&adapters), group, 1.0).unwrap();
    assert_eq!(scores.logprobs.concat().len(), again.logprobs.concat().len());
    Ours { scores, grads: grads.values.iter().map(values).collect() }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

fn assert_same_grads(ours: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f64) {
    assert_eq!(ours.len(), expected.len());
    for (index, (ours, expected)) in ours.iter().zip(expected).enumerate() {
        let difference: Vec<f32> = ours.iter().zip(expected).map(|(a, b)| a - b).collect();
        let (difference, whole) = (norm(&difference), norm(expected));
        assert!(whole > 1e-6, "parameter {index} has no gradient");
        assert!(difference <= tolerance * whole, "parameter {index}: {difference} of {whole}");
    }
}

#[test]
fn packed_scores_and_gradients_equal_separate_sequences_by_autodiff() {
    let group = group();
    let expected = oracle(&tiny_config(), &TARGETS, &group);
    let ours = ours(&TARGETS, &group, Recompute::Never, 3);
    for (ours, expected) in ours.scores.logprobs.iter().flatten().zip(expected.logprobs.iter().flatten()) {
        assert!((ours - expected).abs() < 2e-5, "{ours} {expected}");
    }
    assert_eq!(ours.scores.logprobs.iter().map(Vec::len).collect::<Vec<_>>(), [5, 0, 1, 12]);
    assert_same_grads(&ours.grads, &expected.grads, 1e-4);
}

#[test]
fn adapters_on_some_projections_only_work_too() {
    let targets = ["q_proj", "v_proj", "up_proj"];
    let expected = oracle(&tiny_config(), &targets, &group());
    assert_same_grads(&ours(&targets, &group(), Recompute::Auto, 128).grads, &expected.grads, 1e-4);
}

#[test]
fn recomputation_changes_no_bit() {
    let kept = ours(&TARGETS, &group(), Recompute::Never, 128);
    let anew = ours(&TARGETS, &group(), Recompute::Always, 128);
    assert_eq!(kept.grads, anew.grads);
    assert_eq!(kept.scores, anew.scores);
}

#[test]
fn temperature_divides_the_logits() {
    let (config, device) = (tiny_config(), crate::model::testing::device());
    let weights = random_weights(&config, 1, &device);
    let decoder = Decoder { config: &config, weights: &weights };
    let hot = decoder.score(None, &group(), 50.0).unwrap();
    let cold = decoder.score(None, &group(), 1.0).unwrap();
    let uniform = (96.0_f32).ln();
    for (entropy, logprob) in hot.entropies.iter().flatten().zip(hot.logprobs.iter().flatten()) {
        assert!((entropy - uniform).abs() < 0.05 && (logprob + uniform).abs() < 0.5, "{entropy} {logprob}");
    }
    assert!(cold.entropies.concat().iter().all(|&e| e < uniform - 0.05));
}

#[test]
fn wrong_names_shapes_and_losses_are_errors() {
    let (config, device) = (tiny_config(), crate::model::testing::device());
    let a = Tensor::<2>::zeros([4, 64], &device);
    let b = Tensor::<2>::zeros([64, 4], &device);
    let error = |params: Vec<(&str, &Tensor<2>)>| AdapterSet::new(&config, 1.0, params).unwrap_err().to_string();
    assert!(error(vec![("model.norm.lora_A.weight", &a)]).contains("model.norm"));
    assert!(error(vec![("layers.7.self_attn.q_proj.lora_A.weight", &a)]).contains("3 layers"));
    assert!(error(vec![("layers.0.self_attn.q_proj.lora_A.weight", &a)]).contains("no partner"));
    let pair = vec![("layers.0.self_attn.k_proj.lora_A.weight", &a), ("layers.0.self_attn.k_proj.lora_B.weight", &b)];
    assert!(error(pair).contains("[32, 4]"));

    let weights = random_weights(&config, 1, &device);
    let decoder = Decoder { config: &config, weights: &weights };
    let adapters = AdapterSet::new(&config, 1.0, []).unwrap();
    let mut grads = LoraGrads { values: vec![] };
    let result =
        decoder.backward(&adapters, &group(), 1.0, BackwardOptions::default(), &mut |_| vec![].into(), &mut grads);
    assert!(result.is_err());
}

#[test]
fn the_gradient_through_entropies_is_the_slope_of_their_sum() {
    let config = tiny_config();
    let device = crate::model::testing::device();
    let weights = random_weights(&config, 1, &device);
    let params = random_adapters(&config, &["q_proj", "down_proj"], 4, 2, &device);
    let decoder = Decoder { config: &config, weights: &weights };
    let mut grads = LoraGrads::zeros(params.iter().map(|(_, value)| value));
    let mut loss = |scores: &TokenScores| {
        let all = |value: f32| scores.entropies.iter().map(|row| vec![value; row.len()]).collect();
        TokenGrads { logprobs: all(0.0), entropies: all(1.0) }
    };
    let options = BackwardOptions { recompute: Recompute::Never, head_chunk: 3, dropout: None };
    decoder.backward(&adapter_set(&config, &params), &group(), 0.8, options, &mut loss, &mut grads).unwrap();
    let norm = grads.values.iter().flat_map(values).map(|g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    let step = 1e-2;
    let moved = |by: f64| {
        let along = |((name, value), grad): (&(String, Tensor<2>), &Tensor<2>)| {
            (name.clone(), value.clone() + grad.clone() * (by / norm))
        };
        let params: Vec<_> = params.iter().zip(&grads.values).map(along).collect();
        let scores = decoder.score(Some(&adapter_set(&config, &params)), &group(), 0.8).unwrap();
        scores.entropies.concat().iter().map(|&h| f64::from(h)).sum::<f64>()
    };
    let slope = (moved(step) - moved(-step)) / (2.0 * step);
    assert!(norm > 1e-3 && (slope / norm - 1.0).abs() < 1e-2, "{slope} is not {norm}");
}

/// What the architectures differ in, each by itself and all together.
fn architectures() -> Vec<(&'static str, ModelConfig)> {
    let plain = tiny_config();
    let biases = Biases { qkv: true, output: false, feed_forward: false };
    let all_biases = Biases { qkv: true, output: true, feed_forward: true };
    let llama3 =
        RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_positions: 16 };
    vec![
        ("linear scaling", ModelConfig { rope_scaling: RopeScaling::Linear { factor: 4.0 }, ..plain.clone() }),
        ("llama 3", ModelConfig { rope_scaling: llama3.clone(), ..plain.clone() }),
        ("qwen2", ModelConfig { biases, ..plain.clone() }),
        ("wide heads", ModelConfig { head_dim: 24, num_key_value_heads: 4, ..plain.clone() }),
        ("qwen3", ModelConfig { query_key_norm: true, ..plain.clone() }),
        ("all", ModelConfig { head_dim: 8, query_key_norm: true, biases: all_biases, rope_scaling: llama3, ..plain }),
    ]
}

#[test]
fn every_architectures_scores_and_gradients_equal_autodiffs() {
    let (group, plain) = (group(), oracle(&tiny_config(), &TARGETS, &group()));
    for (name, config) in architectures() {
        let expected = oracle(&config, &TARGETS, &group);
        let options = BackwardOptions { recompute: Recompute::Never, head_chunk: 5, dropout: None };
        let ours = computed(&config, &TARGETS, &group, options);
        for (ours, expected) in ours.scores.logprobs.iter().flatten().zip(expected.logprobs.iter().flatten()) {
            assert!((ours - expected).abs() < 2e-5, "{name}: {ours} {expected}");
        }
        assert_same_grads(&ours.grads, &expected.grads, 1e-4);
        let anew = BackwardOptions { recompute: Recompute::Always, head_chunk: 5, dropout: None };
        assert_eq!(computed(&config, &TARGETS, &group, anew).grads, ours.grads, "{name}");
        assert!(expected.logprobs != plain.logprobs, "{name} changes nothing");
    }
}

#[test]
fn sequences_beyond_a_sliding_window_are_refused() {
    let (plain, device) = (tiny_config(), crate::model::testing::device());
    let weights = random_weights(&plain, 1, &device);
    let score = |window: usize| {
        let config = ModelConfig { sliding_window: Some(window), ..plain.clone() };
        Decoder { config: &config, weights: &weights }.score(None, &group(), 1.0)
    };
    // The prompt has 9 tokens, the longest completion 12, of which the last is predicted and not read.
    let unbounded = Decoder { config: &plain, weights: &weights }.score(None, &group(), 1.0).unwrap();
    assert_eq!(score(20).unwrap(), unbounded);
    let error = score(19).unwrap_err().to_string();
    assert!(error.contains("20 tokens") && error.contains("window of 19"), "{error}");
}
