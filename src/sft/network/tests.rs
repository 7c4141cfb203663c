use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};

use super::{forward::linear, *};
use crate::{
    model::{Model, PackedGroup, TrainedVocabulary},
    settings::Quantize,
    sft::{Bundle, Lesson},
};

fn config(vocab_size: usize) -> ModelConfig {
    ModelConfig { vocab_size, rope_interleaved: true, ..crate::model::testing::tiny_config() }
}

fn lessons() -> Vec<Lesson> {
    let ids = |from: u32, count: u32| -> Vec<u32> { (from..from + count).map(|i| i * 7 % 96).collect() };
    let lesson = |n: u32| Lesson {
        database: 0,
        prompt: [ids(3, 9), ids(20 + n, 3 + n)].concat(),
        answer: ids(50 + 5 * n, 2 + 2 * n),
    };
    (0..3).map(lesson).collect()
}

fn bundle() -> Bundle {
    Bundle::new(&lessons().iter().collect::<Vec<_>>())
}

fn values(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.try_to_vec_as().unwrap()
}

/// The loss as a graph, every lesson by itself.
fn graph_loss(network: &Network, lesson: &Lesson) -> Tensor<1> {
    let bundle = Bundle::new(&[lesson]);
    let rows = network.rows(&bundle);
    let (x, _) = network.forward(&rows);
    let first = lesson.prompt.len() - 1;
    let hidden = network.norm(&x, network.final_norm()).narrow(0, first, lesson.answer.len());
    let logprobs = log_softmax(linear(&hidden, network.embedding()), 1);
    let targets: Vec<i64> = lesson.answer.iter().map(|&id| i64::from(id)).collect();
    let targets = TensorData::new(targets, [lesson.answer.len(), 1]);
    logprobs.gather(1, Tensor::<2, Int>::from_data(targets, &x.device())).sum().neg()
}

#[test]
fn loss_and_gradients_equal_those_of_autodiff_on_separate_sequences() {
    let (device, weight) = (Device::flex().autodiff(), 0.25);
    let mut graph = Network::new(config(96), 5, &device);
    graph.params.iter_mut().for_each(|p| p.value = p.value.clone().require_grad());
    let losses = lessons().iter().map(|lesson| graph_loss(&graph, lesson)).collect::<Vec<_>>();
    let loss = Tensor::cat(losses, 0).sum();
    let expected_loss = loss.clone().into_scalar::<f32>();
    let expected = (loss * weight).backward();

    let network = Network::new(config(96), 5, &Device::flex());
    let mut grads: Vec<_> = network.params.iter().map(|p| p.value.zeros_like()).collect();
    let found = network.gradient(&bundle(), weight, &mut grads).unwrap();
    assert!((found - f64::from(expected_loss)).abs() < 1e-4, "{found} {expected_loss}");
    for ((param, grad), graph) in network.params.iter().zip(&grads).zip(&graph.params) {
        let expected: Vec<f32> = graph.value.grad(&expected).unwrap().try_into_vec_as().unwrap();
        let norm = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let difference: Vec<f32> = values(grad).iter().zip(&expected).map(|(a, b)| a - b).collect();
        assert!(norm(&expected) > 1e-6, "{} has no gradient", param.name);
        assert!(norm(&difference) < 2e-4 * norm(&expected), "{}: {}", param.name, norm(&difference));
    }
}

#[test]
fn descent_along_the_gradient_learns_the_answers() {
    let mut network = Network::new(config(96), 1, &Device::flex());
    let mut losses = Vec::new();
    for _ in 0..30 {
        let mut grads: Vec<_> = network.params.iter().map(|p| p.value.zeros_like()).collect();
        losses.push(network.gradient(&bundle(), 0.02, &mut grads).unwrap());
        for (param, grad) in network.params.iter_mut().zip(grads) {
            param.value = param.value.clone() - grad;
        }
    }
    assert!(losses[29] < losses[0] * 0.5, "{losses:?}");
}

#[test]
fn the_exported_file_computes_what_the_network_computes() {
    let text = "CREATE TABLE singer (id INT);\nSELECT name FROM singer WHERE id = 3".to_owned();
    let vocabulary = TrainedVocabulary::train(&[text.clone(), text.clone()], 270).unwrap();
    let network = Network::new(config(vocabulary.tokens.len()), 3, &Device::flex());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.gguf");
    network.to_gguf("made", &vocabulary).unwrap().write(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), network.to_gguf("made", &vocabulary).unwrap().bytes());

    let model = Model::load(&path, Quantize::Auto, &Device::flex(), &mut |_, _| {}).unwrap();
    assert_eq!(model.config, network.config);
    assert_eq!((model.summary().name.as_str(), model.summary().parameters), ("made", network.parameters()));
    let ids = model.tokenizer.encode(&text).unwrap();
    let lesson = Lesson { database: 0, prompt: ids[..2].to_vec(), answer: ids[2..].to_vec() };
    let mut grads: Vec<_> = network.params.iter().map(|p| p.value.zeros_like()).collect();
    let expected = network.gradient(&Bundle::new(&[&lesson]), 1.0, &mut grads).unwrap();
    let group = PackedGroup { prompt: lesson.prompt, completions: vec![lesson.answer] };
    let scores = model.score(None, &group, 1.0).unwrap();
    let found: f64 = scores.logprobs[0].iter().map(|&l| -f64::from(l)).sum();
    let per_token = (found - expected).abs() / scores.logprobs[0].len() as f64;
    assert!(per_token < 0.05, "{found} {expected}");
}

#[test]
fn a_seed_gives_the_same_weights_and_gradients_again() {
    let run = |seed: u64| {
        let network = Network::new(config(96), seed, &Device::flex());
        let mut grads: Vec<_> = network.params.iter().map(|p| p.value.zeros_like()).collect();
        network.gradient(&bundle(), 1.0, &mut grads).unwrap();
        grads.iter().map(values).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
