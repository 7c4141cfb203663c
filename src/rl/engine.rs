//! What a step computes, knowing nothing of questions and rewards: completions of prompts, and an update from them.
//!
//! The trainer and `sqlr1-tui bench` both work through it, so that what is measured is what trains.

use std::sync::Arc;

use super::{
    TrainError,
    policy::Policy,
    seeds::{self, Stream},
    watch::Watch,
};
use crate::{
    model::{Fences, GenerateRequest, Generated, Model, Sampling, keeps_generation},
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

impl Engine<'_> {
    fn sampling(&self) -> Sampling {
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

    /// K completions of each prompt, recorded for the update where memory allows; `None` if broken off.
    ///
    /// # Errors
    /// The model fails.
    pub fn complete(
        &self,
        step: u64,
        prompts: &[&[u32]],
        watch: &mut dyn Watch,
    ) -> Result<Option<Generated>, TrainError> {
        let k = self.settings.rollout.num_generations;
        let seed = |group: usize, sample: usize| {
            seeds::seed(self.settings.run.seed, Stream::Sample, [step, group as u64, sample as u64])
        };
        let request = |(group, prompt): (usize, &&[u32])| GenerateRequest {
            prompt: prompt.to_vec(),
            seeds: (0..k).map(|sample| seed(group, sample)).collect(),
        };
        let requests: Vec<_> = prompts.iter().enumerate().map(request).collect();
        let total = (requests.len() * k * self.settings.rollout.max_completion_length) as u64;
        let mut tell = |done: usize, _active: usize| watch.progress(Phase::Rollout, done as u64, total);
        let rows = prompts.iter().map(|prompt| prompt.len()).sum::<usize>() + total as usize;
        let record = keeps_generation(self.settings.memory.recompute, &self.model.config, rows);
        let (adapter, sampling) = (&self.policy.adapter, self.sampling());
        Ok(self.model.generate_recorded(adapter, &requests, &sampling, record, &mut tell)?)
    }
}
