//! Generation on tiny random models, and on the real one against its golden continuations.

use std::ops::ControlFlow;

use super::*;
use crate::{
    model::{
        BackwardOptions, LoraGrads, PackedGroup, TokenGrads, TokenScores,
        decoder::golden_tests::{ids, smollm2},
        golden,
        testing::{random_adapters, random_weights, tiny_config},
    },
    settings::Quantize,
};

fn requests() -> Vec<GenerateRequest> {
    let prompt = |from: u32, count: u32| (from..from + count).map(|i| i * 5 % 96).collect();
    vec![
        GenerateRequest { prompt: prompt(1, 7), seeds: vec![1, 2, 3], ..GenerateRequest::default() },
        GenerateRequest { prompt: prompt(40, 12), seeds: vec![4], ..GenerateRequest::default() },
        GenerateRequest { prompt: prompt(9, 1), seeds: vec![5, 6], ..GenerateRequest::default() },
    ]
}

fn sampling() -> Sampling {
    Sampling { temperature: 0.9, max_new_tokens: 20, stop_ids: vec![3, 50], ..Sampling::default() }
}

/// Generates with the tiny model and random adapters, and scores what came out.
fn generate(requests: &[GenerateRequest], sampling: &Sampling) -> (Vec<Vec<Completion>>, Vec<Vec<Vec<f32>>>) {
    let (config, device) = (tiny_config(), crate::model::testing::device());
    let weights = random_weights(&config, 1, &device);
    let params = random_adapters(&config, &["q_proj", "v_proj", "down_proj"], 4, 2, &device);
    let adapters = AdapterSet::new(&config, 2.0, params.iter().map(|(n, v)| (n.as_str(), v))).unwrap();
    let decoder = Decoder { config: &config, weights: &weights };
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let completions = decoder.generate(Some(&adapters), requests, sampling, go_on).unwrap().unwrap();
    let score = |(request, completions): (&GenerateRequest, &Vec<Completion>)| {
        let completions = completions.iter().map(|c| c.tokens.clone()).collect();
        let group = PackedGroup { prompt: request.prompt.clone(), completions };
        decoder.score(Some(&adapters), &group, sampling.temperature.max(f32::MIN_POSITIVE)).unwrap().logprobs
    };
    let scores = requests.iter().zip(&completions).map(score).collect();
    (completions, scores)
}

#[test]
fn generated_log_probabilities_equal_scored_ones() {
    let (completions, scores) = generate(&requests(), &sampling());
    for (completion, scored) in completions.iter().flatten().zip(scores.iter().flatten()) {
        for (ours, scored) in completion.logprobs.iter().zip(scored) {
            assert!((ours - scored).abs() < 1e-4, "{ours} {scored}");
        }
    }
}

#[test]
fn completions_end_at_stop_tokens_or_the_limit() {
    let (completions, _) = generate(&requests(), &sampling());
    assert_eq!(completions.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 2]);
    for Completion { tokens, logprobs, finished, .. } in completions.iter().flatten() {
        assert_eq!(tokens.len(), logprobs.len());
        let stops: Vec<usize> = (0..tokens.len()).filter(|&i| [3, 50].contains(&tokens[i])).collect();
        if *finished {
            assert_eq!(stops, [tokens.len() - 1]);
        } else {
            assert!(stops.is_empty() && tokens.len() == 20);
        }
    }
    let finished = completions.iter().flatten().filter(|c| c.finished).count();
    assert!((1..6).contains(&finished), "both ways to end must occur: {finished} of 6 finished");
}

#[test]
fn a_sample_is_the_same_alone_and_in_a_batch() {
    let (together, _) = generate(&requests(), &sampling());
    for (request, completions) in requests().iter().zip(&together) {
        for (&seed, completion) in request.seeds.iter().zip(completions) {
            let alone =
                GenerateRequest { prompt: request.prompt.clone(), seeds: vec![seed], ..GenerateRequest::default() };
            assert_eq!(&generate(&[alone], &sampling()).0[0][0], completion);
        }
    }
    assert_ne!(together[0][0].tokens, together[0][1].tokens);
}

#[test]
fn more_samples_than_slots_wait_and_come_out_the_same() {
    let many = GenerateRequest { prompt: vec![5, 6, 7], seeds: (0..70).collect(), ..GenerateRequest::default() };
    let (completions, _) = generate(&[many.clone(), requests()[0].clone()], &sampling());
    assert_eq!(completions[0].len(), 70);
    let one = GenerateRequest { seeds: vec![69], ..many };
    assert_eq!(generate(&[one], &sampling()).0[0][0], completions[0][69]);
    assert_eq!(generate(&requests()[..1], &sampling()).0[0], completions[1]);
}

#[test]
fn progress_counts_and_can_break_off() {
    let (config, device) = (tiny_config(), crate::model::testing::device());
    let weights = random_weights(&config, 1, &device);
    let decoder = Decoder { config: &config, weights: &weights };
    let mut calls = Vec::new();
    let result = decoder.generate(None, &requests(), &sampling(), &mut |done, active| {
        calls.push((done, active));
        if calls.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(result.unwrap(), None);
    assert_eq!(calls[0].0, 6);
    assert!(calls[2].0 > calls[1].0 && calls[2].1 <= 6);
}

#[test]
fn nothing_asked_gives_nothing_and_nonsense_is_an_error() {
    assert!(generate(&[], &sampling()).0.is_empty());
    let none = Sampling { max_new_tokens: 0, ..sampling() };
    assert!(generate(&requests(), &none).0.concat().iter().all(|c| c.tokens.is_empty()));
    let (config, device) = (tiny_config(), crate::model::testing::device());
    let weights = random_weights(&config, 1, &device);
    let decoder = Decoder { config: &config, weights: &weights };
    let empty = GenerateRequest { prompt: vec![], seeds: vec![1], ..GenerateRequest::default() };
    assert!(decoder.generate(None, &[empty], &sampling(), &mut |_, _| ControlFlow::Continue(())).is_err());
}

#[test]
fn golden_greedy_continuations() {
    let (Some(golden), Some(model)) = (golden::read("smollm2_135m.json"), smollm2(Quantize::Auto)) else { return };
    let cases = golden["cases"].as_array().unwrap();
    let requests: Vec<GenerateRequest> = cases
        .iter()
        .map(|case| GenerateRequest { prompt: ids(&case["prompt_ids"]), seeds: vec![0], ..GenerateRequest::default() })
        .collect();
    let sampling = Sampling { temperature: 0.0, max_new_tokens: 24, ..Sampling::default() };
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let completions = model.generate(None, &requests, &sampling, go_on).unwrap().unwrap();
    let exact = crate::model::testing::activations() == burn::tensor::DType::F32;
    for (case, completions) in cases.iter().zip(&completions).filter(|_| exact) {
        assert_eq!(completions[0].tokens, ids(&case["greedy_24"]), "{}", case["prompt"]);
    }
    for (request, completions) in requests.iter().zip(&completions) {
        let tokens = completions[0].tokens.clone();
        let group = PackedGroup { prompt: request.prompt.clone(), completions: vec![tokens] };
        let scores = model.score(None, &group, 1.0).unwrap();
        for (ours, scored) in completions[0].logprobs.iter().zip(&scores.logprobs[0]) {
            // With 16 bits, generation and scoring round each in its own way.
            let allowed = if exact { 1e-4 } else { 0.2 };
            assert!((ours - scored).abs() < allowed, "{ours} {scored}");
        }
    }
}

#[test]
fn gradients_from_a_recording_equal_those_of_a_forward_pass() {
    let (config, device) = (tiny_config(), crate::model::testing::device());
    let weights = random_weights(&config, 1, &device);
    let params = random_adapters(&config, &["q_proj", "v_proj", "o_proj", "down_proj"], 4, 2, &device);
    let adapters = AdapterSet::new(&config, 2.0, params.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
    let decoder = Decoder { config: &config, weights: &weights };
    // Completions end at different lengths: some tokens stop, and one group has a single sample.
    let sampling = Sampling { stop_ids: (0..20).collect(), max_new_tokens: 12, ..Sampling::default() };
    let requests = [
        GenerateRequest { prompt: (3..40).collect(), seeds: (0..5).collect(), ..GenerateRequest::default() },
        GenerateRequest { prompt: vec![5, 9, 33], seeds: vec![7], ..GenerateRequest::default() },
    ];
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let plain = decoder.generate(Some(&adapters), &requests, &sampling, go_on).unwrap().unwrap();
    let generated = decoder.generate_recorded(Some(&adapters), &requests, &sampling, true, go_on).unwrap().unwrap();
    // The last layer is computed for all of the prompt's rows, which rounds otherwise than for one.
    for (a, b) in generated.completions.concat().iter().zip(plain.concat()) {
        assert_eq!(a.tokens, b.tokens);
        assert!(a.logprobs.iter().zip(&b.logprobs).all(|(a, b)| (a - b).abs() < 1e-5));
    }
    let lengths: Vec<usize> = plain[0].iter().map(|c| c.tokens.len()).collect();
    assert!(lengths.iter().any(|&n| n != lengths[0]), "all of one length: {lengths:?}");
    for ((request, completions), recording) in requests.iter().zip(plain).zip(generated.recordings.unwrap()) {
        let completions: Vec<Vec<u32>> = completions.into_iter().map(|c| c.tokens).collect();
        let group = PackedGroup { prompt: request.prompt.clone(), completions };
        let mut loss = |scores: &TokenScores| -> TokenGrads {
            let weight = |(c, logprobs): (usize, &Vec<f32>)| {
                (0..logprobs.len()).map(|j| ((c * 5 + j + 1) as f32 * 0.7).sin()).collect()
            };
            scores.logprobs.iter().enumerate().map(weight).collect::<Vec<_>>().into()
        };
        let zeros = || LoraGrads::zeros(params.iter().map(|(_, value)| value));
        let (mut anew, mut recorded) = (zeros(), zeros());
        let expected =
            decoder.backward(&adapters, &group, 0.8, BackwardOptions::default(), &mut loss, &mut anew).unwrap();
        let mut stranger = group.clone();
        stranger.completions[0].push(1);
        let refused =
            decoder.backward_recorded(&adapters, (&stranger, recording.clone()), 0.8, 64, &mut loss, &mut zeros());
        assert!(refused.unwrap_err().to_string().contains("does not fit"));
        let scores =
            decoder.backward_recorded(&adapters, (&group, recording), 0.8, 64, &mut loss, &mut recorded).unwrap();
        for (a, b) in scores.logprobs.concat().iter().zip(expected.logprobs.concat()) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        for (index, (a, b)) in recorded.values.iter().zip(&anew.values).enumerate() {
            let [a, b] = [a, b].map(|t| t.try_to_vec_as::<f32>().unwrap());
            let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            let (difference, whole) = (norm(&mut a.iter().zip(&b).map(|(a, b)| a - b)), norm(&mut b.iter().copied()));
            assert!(whole > 1e-6 && difference <= 1e-5 * whole, "parameter {index}: {difference} of {whole}");
        }
    }
}
