//! Sampling against the distributions that it should follow.

use rand_chacha::rand_core::SeedableRng;

use std::sync::Arc;

use super::*;
use crate::{
    model::{
        Tokenizer,
        generate::{Constraint, Grammar},
        gguf::testing::Builder,
    },
    sql::prefix::Rules,
};

fn shares(sampling: &Sampling, logits: &[f32], draws: u64) -> Vec<f64> {
    let sampler = Sampler::new(sampling).unwrap();
    let mut counts = vec![0.0; logits.len()];
    for seed in 0..draws {
        let choice = sampler.choose(logits, (&[], &[]), &mut ChaCha8Rng::seed_from_u64(seed), None).unwrap();
        counts[choice.id as usize] += 1.0 / draws as f64;
    }
    counts
}

fn logits(probabilities: &[f64]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln() as f32).collect()
}

#[test]
fn draws_follow_the_distribution() {
    let probabilities = [0.1, 0.4, 0.05, 0.3, 0.15];
    let shares = shares(&Sampling::default(), &logits(&probabilities), 20_000);
    for (share, probability) in shares.iter().zip(probabilities) {
        assert!((share - probability).abs() < 0.015, "{share} {probability}");
    }
}

#[test]
fn filters_keep_what_they_should() {
    let logits = logits(&[0.1, 0.4, 0.05, 0.3, 0.15]);
    let kept = |sampling: Sampling| -> Vec<usize> {
        let shares = shares(&sampling, &logits, 3_000);
        (0..5).filter(|&i| shares[i] > 0.0).collect()
    };
    assert_eq!(kept(Sampling { top_k: 2, ..Sampling::default() }), [1, 3]);
    assert_eq!(kept(Sampling { top_p: 0.69, ..Sampling::default() }), [1, 3]);
    assert_eq!(kept(Sampling { top_p: 0.71, ..Sampling::default() }), [1, 3, 4]);
    assert_eq!(kept(Sampling { min_p: 0.3, ..Sampling::default() }), [1, 3, 4]);
    // After top-k the nucleus is that of the renormalized rest: 0.4 / 0.7 is above 0.5.
    assert_eq!(kept(Sampling { top_k: 2, top_p: 0.5, ..Sampling::default() }), [1]);
}

#[test]
fn wide_nuclei_are_found_beyond_the_first_front() {
    let flat = vec![0.0_f32; 10_000];
    let sampling = Sampling { top_p: 0.5, ..Sampling::default() };
    let kept = Sampler::new(&sampling).unwrap().filter(&vec![1.0; flat.len()]);
    assert_eq!(kept, (0..5_000).collect::<Vec<_>>());
}

#[test]
fn reported_log_probabilities_ignore_filters_and_penalty() {
    let logits: Vec<f32> = (0..50).map(|i| ((i * 7 % 50) as f32 * 0.13).sin() * 3.0).collect();
    let temperature = 0.7;
    let sum: f64 = logits.iter().map(|l| (f64::from(*l) / 0.7).exp()).sum();
    for (top_p, top_k, min_p, repetition_penalty) in
        [(1.0, 0, 0.0, 1.0), (0.6, 0, 0.0, 1.0), (1.0, 3, 0.0, 1.0), (1.0, 0, 0.4, 1.0), (0.9, 9, 0.1, 1.7)]
    {
        let sampling = Sampling { temperature, top_p, top_k, min_p, repetition_penalty, ..Sampling::default() };
        let sampler = Sampler::new(&sampling).unwrap();
        for seed in 0..50 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let choice = sampler.choose(&logits, (&[1, 2], &[3]), &mut random, None).unwrap();
            let expected = f64::from(logits[choice.id as usize]) / 0.7 - sum.ln();
            assert!((f64::from(choice.logprob) - expected).abs() < 1e-5, "{sampling:?}");
        }
    }
}

#[test]
fn picking_block_by_block_equals_picking_one_by_one() {
    // With zeros in front, behind, and for whole blocks in between.
    let weight = |i: usize| if i < 600 || i % 1600 < 700 { 0.0 } else { (i as f32 * 0.37).sin().abs() };
    let weights: Vec<f32> = (0..5_000).map(weight).collect();
    for point in (0..1000).map(|i| f64::from(i) / 1000.0).chain([1.0 - f64::EPSILON]) {
        let one_by_one = pick(weights.iter().copied().enumerate(), point);
        assert_eq!(pick_among_all(&weights, point), one_by_one, "{point}");
    }
    assert_eq!(pick_among_all(&[0.0, 1.0], 1.0), 1);
}

#[test]
fn repetition_is_penalized_on_both_signs() {
    let sampling = Sampling { temperature: 0.0, repetition_penalty: 2.0, ..Sampling::default() };
    let sampler = Sampler::new(&sampling).unwrap();
    let choose = |logits: &[f32], written: &[u32]| {
        sampler.choose(logits, (&[], written), &mut ChaCha8Rng::seed_from_u64(0), None).unwrap().id
    };
    assert_eq!(choose(&[3.0, 2.0], &[]), 0);
    assert_eq!(choose(&[3.0, 2.0], &[0, 0]), 1);
    assert_eq!(choose(&[-1.0, -1.5], &[0]), 1);
}

#[test]
fn impossible_settings_and_logits_are_errors() {
    for (bad, name) in [
        (Sampling { temperature: -1.0, ..Sampling::default() }, "temperature"),
        (Sampling { top_p: 0.0, ..Sampling::default() }, "top_p"),
        (Sampling { min_p: f32::NAN, ..Sampling::default() }, "min_p"),
        (Sampling { repetition_penalty: 0.0, ..Sampling::default() }, "repetition_penalty"),
    ] {
        assert!(Sampler::new(&bad).unwrap_err().to_string().contains(name));
    }
    let sampling = Sampling::default();
    let sampler = Sampler::new(&sampling).unwrap();
    assert!(sampler.choose(&[f32::NAN, 0.0], (&[], &[]), &mut ChaCha8Rng::seed_from_u64(0), None).is_err());
}

#[test]
fn where_nothing_is_allowed_the_first_choice_stands_and_the_rest_is_free() {
    let tokens = ["SELECTĠ", "}", ")", "})", "<|im_end|>"].map(str::to_owned);
    let file = Builder::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &[1, 1, 1, 1, 3])
        .texts("tokenizer.ggml.merges", &["} )".to_owned()]);
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = Tokenizer::from_gguf(&file.open(folder.path())).unwrap();
    let grammar = Arc::new(Grammar::new(Rules::default(), Arc::clone(tokenizer.spellings())));
    for temperature in [0.0, 1.0] {
        let sampling = Sampling { temperature, ..Sampling::default() };
        let sampler = Sampler::new(&sampling).unwrap();
        let mut guide = Constraint::new(Arc::clone(&grammar), "").guide();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut choose = |likely: usize| {
            let mut logits = [0.0; 5];
            logits[likely] = 40.0;
            let choice = sampler.choose(&logits, (&[1], &[]), &mut random, Some(&mut guide)).unwrap();
            (choice.id, guide.refused, guide.stuck, choice.logprob)
        };
        assert_eq!(choose(0).0, 0);
        // Behind SELECT none of these can follow, nor may the reply end.
        let (id, refused, stuck, logprob) = choose(3);
        assert_eq!((id, refused, stuck), (3, 1, 1));
        assert!(logprob.abs() < 1e-6, "its own probability is recorded: {logprob}");
        assert_eq!((choose(1).0, choose(4).0), (1, 4));
        assert_eq!((guide.refused, guide.stuck), (1, 1), "what follows is no query any more");
    }
}
