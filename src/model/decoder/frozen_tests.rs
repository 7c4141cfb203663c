//! Adapters in the frozen base: what they compute, what passes through them backwards, and what merging makes of them.

use super::{
    super::{
        packed::PackedMatrix,
        testing::{random_adapters, random_weights, tiny_config},
        weights::StackedLinear,
    },
    adapters::AdapterSet,
    *,
};

const TARGETS: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

fn group() -> PackedGroup {
    PackedGroup { prompt: vec![3, 1, 4, 1, 5], completions: vec![vec![9, 2, 6], vec![5, 3, 5, 8]] }
}

fn set(config: &ModelConfig, r: usize, seed: u64) -> (AdapterSet, Vec<(String, Tensor<2>)>) {
    let params = random_adapters(config, &TARGETS, r, seed, &crate::model::testing::device());
    (AdapterSet::new(config, 0.5, params.iter().map(|(name, value)| (name.as_str(), value))).unwrap(), params)
}

/// Scores, and gradients of the trained adapter, when log-probabilities are to rise.
fn learn(config: &ModelConfig, weights: &Weights) -> (TokenScores, Vec<f32>) {
    let (adapters, params) = set(config, 3, 7);
    let mut grads = LoraGrads::zeros(params.iter().map(|(_, value)| value));
    let mut loss = |scores: &TokenScores| scores.logprobs.iter().map(|l| vec![1.0; l.len()]).collect::<Vec<_>>().into();
    let decoder = Decoder { config, weights };
    let scores = decoder.backward(&adapters, &group(), 1.0, BackwardOptions::default(), &mut loss, &mut grads).unwrap();
    (scores, grads.values.into_iter().flat_map(|g| g.try_into_vec_as::<f32>().unwrap()).collect())
}

/// The weights with the adapters' products added to them, as float32.
fn merged(weights: &Weights, adapters: &[&AdapterSet]) -> Weights {
    let mut merged = weights.clone();
    for (number, layer) in merged.layers.iter_mut().enumerate() {
        let stacks = [
            (adapters::Stack::Qkv, &mut layer.qkv),
            (adapters::Stack::Output, &mut layer.output),
            (adapters::Stack::GateUp, &mut layer.gate_up),
            (adapters::Stack::Down, &mut layer.down),
        ];
        for (stack, linear) in stacks {
            let mut dense = Tensor::cat(linear.parts.iter().map(PackedMatrix::dequantize).collect(), 0);
            for adapter in adapters.iter().filter_map(|set| set.get(number, stack)) {
                let r = adapter.layout.r;
                let parts = adapter.layout.columns().into_iter().enumerate().map(|(i, (column, width))| {
                    let b = adapter.flipped.clone().narrow(1, column, width).transpose();
                    b.matmul(adapter.a.clone().narrow(0, i * r, r))
                });
                dense = dense + Tensor::cat(parts.collect(), 0);
            }
            *linear = StackedLinear { parts: vec![PackedMatrix::from_tensor(dense)], ..linear.clone() };
        }
    }
    merged
}

#[test]
fn frozen_adapters_compute_what_merged_ones_do_forwards_and_backwards() {
    let config = tiny_config();
    let plain = random_weights(&config, 1, &crate::model::testing::device());
    let (first, _) = set(&config, 2, 11);
    let (second, _) = set(&config, 4, 12);
    let mut frozen = plain.clone();
    frozen.attach(&first);
    frozen.attach(&second);
    assert!(frozen.bytes() > plain.bytes());
    let (scores, grads) = learn(&config, &frozen);
    let (expected, expected_grads) = learn(&config, &merged(&plain, &[&first, &second]));
    let (without, _) = learn(&config, &plain);
    let gap = |a: &TokenScores, b: &TokenScores| {
        let pairs = a.logprobs.iter().flatten().zip(b.logprobs.iter().flatten());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(gap(&scores, &expected) < 1e-4, "{}", gap(&scores, &expected));
    assert!(gap(&scores, &without) > 0.01, "the adapters change something");
    let largest = expected_grads.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    for (a, b) in grads.iter().zip(&expected_grads) {
        assert!((a - b).abs() < 1e-4 * largest, "{a} {b}, largest {largest}");
    }
}
