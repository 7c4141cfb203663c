//! The real SmolLM2-135M against the values that transformers and PEFT give (golden/README.md).

use std::path::PathBuf;

use burn::tensor::{DType, Tensor, TensorData};
use serde_json::Value;

use super::{BackwardOptions, LoraGrads, PackedGroup, TokenScores};
use crate::{
    model::{Lora, Model, Projection, golden, testing},
    settings::{LoraSettings, Quantize, Recompute},
};

/// Where tests find the model file: `SQLR1_SMOLLM2`, else the cache; says so if this machine does not have it.
pub fn smollm2(quantize: Quantize) -> Option<Model> {
    let cache = || {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let folder = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap_or_default();
        folder.join("sqlr1-tui/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    };
    let path = std::env::var_os("SQLR1_SMOLLM2").map_or_else(cache, PathBuf::from);
    if !path.exists() {
        println!("skipped: no model at {}; set SQLR1_SMOLLM2", path.display());
        return None;
    }
    let mut model = Model::load(&path, quantize, &testing::device(), &mut |_, _| {}).unwrap();
    model.weights.activations = testing::activations();
    Some(model)
}

pub fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn assert_within(ours: &[f32], golden: &[f64], tolerance: f64, what: &str) {
    assert_eq!(ours.len(), golden.len(), "{what}");
    let worst = ours.iter().zip(golden).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    println!("{what}: largest difference {worst:.1e}");
    assert!(worst <= testing::allowed(tolerance, golden), "{what}: {worst}");
}

/// The adapter that README.md defines by a formula.
fn formula_adapter(model: &Model) -> Lora {
    let settings = LoraSettings { r: 4, lora_alpha: 8.0, ..LoraSettings::default() };
    let mut lora = Lora::new(&model.config, &settings, 0, &testing::device()).unwrap();
    for layer in 0..model.config.num_hidden_layers {
        for (t, projection) in Projection::ALL.into_iter().enumerate() {
            let at = lora.position(layer, projection).unwrap();
            let phase = (layer + t) as f64;
            let a = |i: usize, j: usize| 0.02 * (0.37 * i as f64 + 0.011 * j as f64 + phase).sin();
            let b = |i: usize, j: usize| 0.02 * (0.013 * i as f64 + 0.29 * j as f64 + phase).cos();
            fill(&mut lora.params[at].value, a);
            fill(&mut lora.params[at + 1].value, b);
        }
    }
    lora
}

fn fill(tensor: &mut Tensor<2>, value: impl Fn(usize, usize) -> f64) {
    let [rows, cols] = tensor.dims();
    let values: Vec<f32> = (0..rows * cols).map(|n| value(n / cols, n % cols) as f32).collect();
    *tensor = Tensor::from_data(TensorData::new(values, [rows, cols]), &tensor.device());
}

fn check_scores(model: &Model, golden: &Value) {
    for case in golden["cases"].as_array().unwrap() {
        let (prompt, completion) = (ids(&case["prompt_ids"]), ids(&case["completion_ids"]));
        // Everything behind the first token is scored, so that the prompt's positions are checked too.
        let all = [&prompt[1..], &completion].concat();
        let group = PackedGroup { prompt: prompt[..1].to_vec(), completions: vec![all] };
        let scores = model.score(None, &group, 1.0).unwrap();
        let what = case["prompt"].as_str().unwrap().lines().next().unwrap_or_default().to_owned();
        assert_within(&scores.logprobs[0], &floats(&case["next_token_logprobs"]), 2e-4, &what);
        let group = PackedGroup { prompt, completions: vec![completion] };
        let scores = model.score(None, &group, 1.0).unwrap();
        assert_within(&scores.entropies[0], &floats(&case["entropy_completion"]), 5e-4, "entropies");
    }
}

#[test]
fn golden_log_probabilities_and_entropies() {
    let (Some(golden), Some(model)) = (golden::read("smollm2_135m.json"), smollm2(Quantize::Auto)) else { return };
    check_scores(&model, &golden);
}

#[test]
fn golden_log_probabilities_hold_with_expanded_weights() {
    let (Some(golden), Some(model)) = (golden::read("smollm2_135m.json"), smollm2(Quantize::None)) else { return };
    check_scores(&model, &golden);
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn golden_lora_gradients() {
    let (Some(golden), Some(model)) = (golden::read("smollm2_135m.json"), smollm2(Quantize::Auto)) else { return };
    let lora = formula_adapter(&model);
    for case in golden["cases"].as_array().unwrap() {
        let (prompt, completion) = (ids(&case["prompt_ids"]), ids(&case["completion_ids"]));
        let expected = &case["with_lora"];
        let count = completion.len() as f32;
        let group = PackedGroup { prompt, completions: vec![completion] };
        let mut grads = LoraGrads::of(&lora);
        let mut loss = |scores: &TokenScores| vec![vec![-1.0 / count; scores.logprobs[0].len()]].into();
        let options = BackwardOptions { recompute: Recompute::Never, head_chunk: 128, dropout: None };
        let scores = model.backward(&lora, &group, 1.0, options, &mut loss, &mut grads).unwrap();
        assert_within(&scores.logprobs[0], &floats(&expected["completion_logprobs"]), 2e-4, "with adapters");
        let mean_nll = -scores.logprobs[0].iter().map(|&l| f64::from(l)).sum::<f64>() / f64::from(count);
        let golden = expected["mean_nll"].as_f64().unwrap();
        assert!((mean_nll - golden).abs() < testing::allowed(1e-4, &[golden]), "{mean_nll}");
        check_gradients(&lora, &grads, expected);
    }
}

fn check_gradients(lora: &Lora, grads: &LoraGrads, expected: &Value) {
    let (mut worst_norm, mut worst_element) = (0.0_f64, 0.0_f64);
    assert_eq!(lora.params.len(), expected["grad_norms"].as_object().unwrap().len());
    for (param, grad) in lora.params.iter().zip(&grads.values) {
        let key = param.name.trim_start_matches("base_model.model.");
        let values: Vec<f32> = grad.try_to_vec_as().unwrap();
        let golden = expected["grad_norms"][key].as_f64().unwrap();
        worst_norm = worst_norm.max((norm(&values) - golden).abs() / golden);
        let unit = golden / (values.len() as f64).sqrt();
        if let Some(head) = expected["grad_heads"].get(key) {
            let differences = floats(head).into_iter().zip(&values).map(|(g, v)| (g - f64::from(*v)).abs() / unit);
            worst_element = worst_element.max(differences.fold(0.0, f64::max));
        }
    }
    println!("gradients: norms within {worst_norm:.1e}, elements within {worst_element:.1e} of norm/sqrt(n)");
    // The smallest elements of a gradient are sums that cancel; GPUs take their parts with quicker exponentials, and with 16 bits
    // nothing can be said of them.
    let is_cpu = matches!(testing::device().as_dispatch(), burn::backend::DispatchDevice::Flex(_));
    let (norms, elements) = match (testing::activations(), is_cpu) {
        (DType::F32, true) => (1e-3, 1e-3),
        (DType::F32, false) => (1e-3, 2e-3),
        _ => (5e-2, f64::INFINITY),
    };
    assert!(worst_norm < norms && worst_element < elements, "norms {worst_norm:.1e}, elements {worst_element:.1e}");
}
