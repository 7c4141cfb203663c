//! Activations of 16 bits against float32 on the same device.

use burn::tensor::DType;

use super::{AdapterSet, BackwardOptions, Decoder, LoraGrads, PackedGroup, TokenScores};
use crate::model::{
    testing::{self, random_adapters, random_weights, tiny_config},
    weights::Weights,
};

const TARGETS: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// Largest difference relative to the largest value.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(1e-9_f32, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0_f32, |m, (x, y)| m.max((x - y).abs())) / largest
}

/// Scores, and the gradients of all adapters one behind the other.
fn run(weights: &Weights) -> (TokenScores, Vec<f32>) {
    let config = tiny_config();
    let decoder = Decoder { config: &config, weights };
    let params = random_adapters(&config, &TARGETS, 4, 5, &testing::device());
    let set = AdapterSet::new(&config, 0.5, params.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
    let tokens = |from: u32, count: u32| (from..from + count).map(|i| i * 7 % 96).collect::<Vec<u32>>();
    let group = PackedGroup { prompt: tokens(1, 40), completions: vec![tokens(3, 9), tokens(50, 37), tokens(8, 1)] };
    let mut grads = LoraGrads::zeros(params.iter().map(|(_, value)| value));
    let mut loss = |s: &TokenScores| s.logprobs.iter().map(|l| vec![0.5; l.len()]).collect::<Vec<_>>().into();
    let scores = decoder.backward(&set, &group, 0.7, BackwardOptions::default(), &mut loss, &mut grads).unwrap();
    let grads = grads.values.iter().flat_map(|g| g.clone().try_into_vec_as::<f32>().unwrap()).collect();
    (scores, grads)
}

#[test]
fn half_precision_agrees_with_float32() {
    let device = testing::device();
    let mut weights = random_weights(&tiny_config(), 1, &device);
    let (scores, grads) = run(&weights);
    let flat = |s: &TokenScores| s.logprobs.concat();
    for (dtype, allowed) in [(DType::BF16, 4e-2), (DType::F16, 5e-3)] {
        let is_gpu = !matches!(device.as_dispatch(), burn::backend::DispatchDevice::Flex(_));
        if !is_gpu || !device.supports_dtype(dtype) {
            println!("skipped: the device does not compute with {dtype:?}");
            continue;
        }
        weights.activations = dtype;
        let (half_scores, half_grads) = run(&weights);
        let (by_score, by_grad) = (difference(&flat(&half_scores), &flat(&scores)), difference(&half_grads, &grads));
        println!("{dtype:?}: scores differ by {by_score}, gradients by {by_grad}");
        assert!(by_score > 0.0, "nothing was rounded");
        assert!(by_score < allowed && by_grad < allowed, "{dtype:?}: scores {by_score}, gradients {by_grad}");
    }
}
