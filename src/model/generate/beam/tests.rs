use std::ops::ControlFlow;

use super::*;
use crate::model::{
    GenerateRequest, Sampling,
    testing::{random_weights, tiny_config},
    weights::Weights,
};

struct Tiny {
    config: crate::model::ModelConfig,
    weights: Weights,
}

impl Tiny {
    fn new() -> Self {
        let config = tiny_config();
        Self { weights: random_weights(&config, 1, &crate::model::testing::device()), config }
    }

    fn decoder(&self) -> Decoder<'_> {
        Decoder { config: &self.config, weights: &self.weights }
    }

    fn search(&self, prompt: &[u32], width: usize, max_new_tokens: usize, stop_ids: &[u32]) -> Vec<Completion> {
        let beams = Beams { width, max_new_tokens, stop_ids: stop_ids.to_vec(), constraint: None };
        self.decoder().beam_search(None, prompt, &beams, &mut |_, _| ControlFlow::Continue(())).unwrap().unwrap()
    }

    fn scores(&self, prompt: &[u32], completions: &[Completion]) -> Vec<Vec<f32>> {
        let completions = completions.iter().map(|c| c.tokens.clone()).collect();
        self.decoder().score(None, &PackedGroup { prompt: prompt.to_vec(), completions }, 1.0).unwrap().logprobs
    }
}

const PROMPT: [u32; 5] = [7, 30, 61, 2, 18];

fn sum(logprobs: &[f32]) -> f64 {
    logprobs.iter().map(|&p| f64::from(p)).sum()
}

#[test]
fn one_beam_is_greedy_decoding() {
    let tiny = Tiny::new();
    for stop_ids in [vec![], vec![3, 50], (0..48).collect()] {
        let sampling =
            Sampling { temperature: 0.0, max_new_tokens: 12, stop_ids: stop_ids.clone(), ..Sampling::default() };
        let request = GenerateRequest { prompt: PROMPT.to_vec(), seeds: vec![0], ..GenerateRequest::default() };
        let go_on = &mut |_, _| ControlFlow::Continue(());
        let greedy = tiny.decoder().generate(None, &[request], &sampling, go_on).unwrap().unwrap();
        let found = tiny.search(&PROMPT, 1, 12, &stop_ids);
        assert_eq!((&found[0].tokens, found[0].finished), (&greedy[0][0].tokens, greedy[0][0].finished));
    }
}

#[test]
fn log_probabilities_are_those_of_the_sequences_found() {
    let tiny = Tiny::new();
    let found = tiny.search(&PROMPT, 6, 10, &[3, 50, 51, 52]);
    for (completion, scored) in found.iter().zip(tiny.scores(&PROMPT, &found)) {
        for (ours, scored) in completion.logprobs.iter().zip(&scored) {
            assert!((ours - scored).abs() < 1e-4, "{ours} {scored}: {:?}", completion.tokens);
        }
    }
    let distinct: std::collections::HashSet<_> = found.iter().map(|c| &c.tokens).collect();
    assert_eq!(distinct.len(), found.len());
    let mean = |c: &Completion| sum(&c.logprobs) / c.logprobs.len() as f64;
    assert!(found.windows(2).all(|pair| mean(&pair[0]) >= mean(&pair[1])), "the best comes first");
}

#[test]
fn two_tokens_are_searched_as_by_trying_all() {
    let tiny = Tiny::new();
    let width = 8;
    let found = tiny.search(&PROMPT, width, 2, &[]);
    let every = |id: u32| Completion { tokens: vec![id], ..Completion::default() };
    let firsts: Vec<Completion> = (0..96).map(every).collect();
    let mut ranked: Vec<(f32, u32)> = tiny.scores(&PROMPT, &firsts).iter().zip(0..).map(|(s, id)| (s[0], id)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let pairs = ranked[..width].iter().flat_map(|(_, first)| {
        (0..96).map(|second| Completion { tokens: vec![*first, second], ..Completion::default() })
    });
    let pairs: Vec<Completion> = pairs.collect();
    let scores = tiny.scores(&PROMPT, &pairs);
    let best = scores.iter().map(|s| sum(s)).fold(f64::NEG_INFINITY, f64::max);
    assert!((sum(&found[0].logprobs) - best).abs() < 1e-4, "{} {best}", sum(&found[0].logprobs));
    assert_eq!(found.len(), width);
}

#[test]
fn stop_tokens_end_completions_and_breaking_off_ends_all() {
    let tiny = Tiny::new();
    let stop_ids: Vec<u32> = (0..60).collect();
    let found = tiny.search(&PROMPT, 4, 30, &stop_ids);
    assert_eq!(found.len(), 4);
    for completion in found.iter().filter(|c| c.finished) {
        let stops = completion.tokens.iter().filter(|id| stop_ids.contains(id)).count();
        assert!(stops == 1 && stop_ids.contains(completion.tokens.last().unwrap()));
    }
    assert!(found.iter().filter(|c| c.finished).count() >= 4, "with so many stop tokens all end");
    let beams = Beams { width: 2, max_new_tokens: 5, stop_ids: vec![], constraint: None };
    let broken = tiny.decoder().beam_search(None, &PROMPT, &beams, &mut |_, _| ControlFlow::Break(()));
    assert_eq!(broken.unwrap(), None);
}

#[test]
fn nonsense_is_an_error() {
    let tiny = Tiny::new();
    let search = |prompt: &[u32], width| {
        let beams = Beams { width, max_new_tokens: 2, stop_ids: vec![], constraint: None };
        tiny.decoder().beam_search(None, prompt, &beams, &mut |_, _| ControlFlow::Continue(())).is_err()
    };
    assert!(search(&[], 2) && search(&[9999], 2) && search(&PROMPT, 0) && search(&PROMPT, Beams::MOST + 1));
    assert!(!search(&PROMPT, Beams::MOST));
}
