//! What a step computes, knowing nothing of questions and rewards: completions of prompts, and an update from them.
//!
//! The trainer and `sqlr1-tui bench` both work through it, so that what is measured is what trains.

use std::sync::Arc;

use super::{
    TrainError,
    policy::Policy,
    questions::Prompt,
    seeds::{self, Stream},
    watch::Watch,
};
use crate::{
    model::{
        BackwardOptions, Completion, Constraint, Dropout, Fences, GenerateRequest, Model, Recording, Sampling,
        keeps_generation,
    },
    run::event::Phase,
    settings::Settings,
};

/// A model with the policy that is being trained on it.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// The frozen base.
    pub model: &'a Model,
    /// What training changes.
    pub policy: &'a Policy,
    /// All settings.
    pub settings: &'a Settings,
    /// Steps at which the run ends, for the learning rate's schedule.
    pub max_steps: u64,
    /// Whether a completion ends by itself; else each goes on to the greatest length.
    pub stops: bool,
}

/// What ends a completion at its closing fence, where `settings` ask for that.
pub(super) fn fences(model: &Model, settings: &Settings) -> Option<Arc<Fences>> {
    settings.rollout.stop_at_fence.then(|| model.tokenizer.fences().clone())
}

/// How gradients are computed. The dropout's seed is the run's; group and adapter go into it pass by pass.
pub fn backward_options(settings: &Settings) -> BackwardOptions {
    let (memory, rate) = (&settings.memory, settings.lora.lora_dropout as f32);
    let seed = seeds::seed(settings.run.seed, Stream::Dropout, [0; 3]);
    let dropout = (rate > 0.0).then_some(Dropout { rate, seed });
    BackwardOptions { recompute: memory.recompute, head_chunk: memory.head_chunk, dropout }
}

/// Rows that generation computes, at most, of so many of a step's prompts, of `prompt_tokens` together, and of their completions; `None` if
/// the update cannot do with them.
pub(super) fn rows_to_keep(settings: &Settings, prompts: usize, prompt_tokens: usize) -> Option<usize> {
    let k = settings.rollout.num_generations;
    let rows = prompt_tokens + prompts * k * settings.rollout.max_completion_length;
    // With dropout the gradient's forward pass is another than generation's.
    let plain = settings.lora.lora_dropout == 0.0;
    (plain && at_once(settings) >= k).then(|| rows * settings.generations_per_step())
}

/// Completions that are generated at the same time, at most.
fn at_once(settings: &Settings) -> usize {
    settings.memory.samples_in_flight.unwrap_or(usize::MAX).max(1)
}

/// Completions with what was recorded of their computation, by prompt.
pub struct Completed {
    /// The completions.
    pub completions: Vec<Vec<Completion>>,
    /// For the update.
    pub recordings: Vec<Option<Recording>>,
}

/// A prompt.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its tokens.
    pub tokens: &'a [u32],
    /// What the replies have to keep to.
    pub constraint: Option<&'a Constraint>,
}

impl<'a> From<&'a [u32]> for Asked<'a> {
    fn from(tokens: &'a [u32]) -> Self {
        Self { tokens, constraint: None }
    }
}

impl<'a> From<&'a Prompt> for Asked<'a> {
    fn from(prompt: &'a Prompt) -> Self {
        Self { tokens: &prompt.tokens, constraint: prompt.constraint.as_ref() }
    }
}

impl Engine<'_> {
    /// How completions are sampled.
    pub(super) fn sampling(&self) -> Sampling {
        let rollout = &self.settings.rollout;
        Sampling {
            temperature: rollout.temperature as f32,
            top_p: rollout.top_p as f32,
            top_k: rollout.top_k,
            min_p: rollout.min_p as f32,
            repetition_penalty: rollout.repetition_penalty as f32,
            max_new_tokens: rollout.max_completion_length,
            stop_ids: if self.stops { self.model.tokenizer.eos_ids().to_vec() } else { Vec::new() },
            fences: fences(self.model, self.settings).filter(|_| self.stops),
        }
    }

    /// K completions of each prompt, recorded for the update where memory allows; `None` if broken off. `first` is the number
    /// of the first prompt's group in the step.
    ///
    /// # Errors
    /// The model fails.
    pub fn complete(
        &self,
        step: u64,
        first: usize,
        prompts: &[Asked<'_>],
        watch: &mut dyn Watch,
    ) -> Result<Option<Completed>, TrainError> {
        let k = self.settings.rollout.num_generations;
        let length = self.settings.rollout.max_completion_length;
        let tokens = prompts.iter().map(|prompt| prompt.tokens.len()).sum::<usize>();
        let rows = rows_to_keep(self.settings, prompts.len(), tokens);
        let record =
            rows.is_some_and(|rows| keeps_generation(self.settings.memory.recompute, &self.model.decoder(), rows));
        let at_once = at_once(self.settings);
        let requests: Vec<_> =
            prompts.iter().enumerate().map(|(at, prompt)| self.request(step, first + at, *prompt)).collect();
        let (mut done, total) = (0, (prompts.len() * k * length) as u64);
        let mut all = Completed { completions: vec![Vec::new(); prompts.len()], recordings: vec![None; prompts.len()] };
        for (start, part) in in_flight(&requests, at_once) {
            let mut tell = |tokens: usize, _: usize| watch.progress(Phase::Rollout, done + tokens as u64, total);
            let (adapter, sampling) = (&self.policy.adapter, self.sampling());
            let Some(generated) = self.model.generate_recorded(adapter, &part, &sampling, record, &mut tell)? else {
                return Ok(None);
            };
            done += generated.completions.iter().flatten().map(|c| c.tokens.len() as u64).sum::<u64>();
            for (at, completions) in generated.completions.into_iter().enumerate() {
                all.completions[start + at].extend(completions);
            }
            for (at, recording) in generated.recordings.into_iter().flatten().enumerate() {
                all.recordings[start + at] = Some(recording);
            }
        }
        Ok(Some(all))
    }

    /// One completion of each request, as the policy writes it; `None` if broken off.
    ///
    /// # Errors
    /// The model fails.
    pub(super) fn answer(
        &self,
        requests: &[GenerateRequest],
        watch: &mut dyn Watch,
    ) -> Result<Option<Vec<Completion>>, TrainError> {
        let (adapter, sampling) = (&self.policy.adapter, self.sampling());
        let total = (requests.len() * sampling.max_new_tokens) as u64;
        let at_once = at_once(self.settings);
        let (mut done, mut all) = (0, Vec::with_capacity(requests.len()));
        for (_, part) in in_flight(requests, at_once) {
            let mut tell = |tokens: usize, _: usize| watch.progress(Phase::Rollout, done + tokens as u64, total);
            let Some(answers) = self.model.generate(Some(adapter), &part, &sampling, &mut tell)? else {
                return Ok(None);
            };
            done += answers.iter().flatten().map(|c| c.tokens.len() as u64).sum::<u64>();
            all.extend(answers.into_iter().flatten());
        }
        Ok(Some(all))
    }

    /// What is asked of the model for a step's group.
    fn request(&self, step: u64, group: usize, asked: Asked<'_>) -> GenerateRequest {
        let k = self.settings.rollout.num_generations as u64;
        let seed = |sample| seeds::seed(self.settings.run.seed, Stream::Sample, [step, group as u64, sample]);
        let constraint = asked.constraint.cloned();
        GenerateRequest { prompt: asked.tokens.to_vec(), seeds: (0..k).map(seed).collect(), constraint }
    }
}

/// Requests in portions of at most so many completions, each with the place of its first one. Where a request alone is too
/// much, its completions are parted.
fn in_flight(requests: &[GenerateRequest], at_once: usize) -> Vec<(usize, Vec<GenerateRequest>)> {
    let each = requests.first().map_or(1, |request| request.seeds.len()).max(1);
    if at_once >= each {
        let portion = (at_once / each).min(requests.len().max(1));
        return requests.chunks(portion).enumerate().map(|(i, part)| (i * portion, part.to_vec())).collect();
    }
    let part =
        |seeds: &[u64], request: &GenerateRequest| vec![GenerateRequest { seeds: seeds.to_vec(), ..request.clone() }];
    let parts = |(at, request): (usize, &GenerateRequest)| {
        request.seeds.chunks(at_once).map(|seeds| (at, part(seeds, request))).collect::<Vec<_>>()
    };
    requests.iter().enumerate().flat_map(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_portion_holds_more_completions_than_it_may() {
        let requests: Vec<_> = (0..5)
            .map(|n| GenerateRequest { prompt: vec![n], seeds: vec![1, 2, 3, 4], ..GenerateRequest::default() })
            .collect();
        for at_once in [1, 3, 4, 7, 8, 19, 20, usize::MAX] {
            let portions = in_flight(&requests, at_once);
            let mut seeds: Vec<Vec<u64>> = vec![Vec::new(); 5];
            for (start, portion) in &portions {
                assert!(portion.iter().map(|r| r.seeds.len()).sum::<usize>() <= at_once);
                for (at, request) in portion.iter().enumerate() {
                    assert_eq!(request.prompt, requests[start + at].prompt);
                    seeds[start + at].extend(&request.seeds);
                }
            }
            assert_eq!(seeds, vec![vec![1, 2, 3, 4]; 5], "{at_once}");
        }
        assert_eq!(in_flight(&requests, usize::MAX).len(), 1);
        assert!(in_flight(&[], 3).is_empty());
    }
}
