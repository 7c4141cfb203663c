//! What a run does without when memory is short: one rung of a ladder after another, each told, none taken back.
//!
//! A rung is taken after a step whose peak was above `memory.limit`, and in the middle of one that the device had no memory for:
//! that step is then computed again. What costs nothing but time comes first; shorter completions, which change what is
//! learned, come last. Rank and batch stay as they are.

use serde::{Deserialize, Serialize};

use crate::settings::{MemoryLimit, Recompute, Settings};

/// Completions are not made shorter than this.
const SHORTEST: usize = 16;

/// In which part of a step memory was short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shortage {
    /// While completions were generated.
    Rollout,
    /// While gradients were computed.
    Update,
    /// Nobody knows.
    Anywhere,
}

/// The rungs taken; part of a checkpoint, because generation and gradients round otherwise with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Economies {
    /// The limit that they were made for; with another one all of it begins anew.
    limit: Option<MemoryLimit>,
    recompute: bool,
    samples_in_flight: Option<usize>,
    completions_per_pass: Option<usize>,
    max_completion_length: Option<usize>,
}

impl Economies {
    /// Puts the rungs taken into the settings that the run computes by.
    pub fn apply(&self, settings: &mut Settings) {
        if self.limit != settings.memory.limit {
            return;
        }
        let memory = &mut settings.memory;
        if self.recompute {
            memory.recompute = Recompute::Always;
        }
        // A resumption may ask for less than what the run has come down to.
        let less = |own: Option<usize>, asked: Option<usize>| own.into_iter().chain(asked).min();
        memory.samples_in_flight = less(self.samples_in_flight, memory.samples_in_flight);
        memory.completions_per_pass = less(self.completions_per_pass, memory.completions_per_pass);
        let length = &mut settings.rollout.max_completion_length;
        *length = self.max_completion_length.map_or(*length, |own| own.min(*length));
    }

    /// Takes the next rung for a run that computes by `settings`, and says what it is; `None` if there is none left.
    pub(super) fn descend(&mut self, shortage: Shortage, settings: &Settings) -> Option<String> {
        if self.limit != settings.memory.limit {
            *self = Self { limit: settings.memory.limit, ..Self::default() };
        }
        let (k, asked) = (settings.rollout.num_generations, settings.rollout.prompts_per_step);
        let in_flight = settings.memory.samples_in_flight.unwrap_or(usize::MAX).min(k * asked);
        let per_pass = settings.memory.completions_per_pass.unwrap_or(usize::MAX).min(k);
        let length = settings.rollout.max_completion_length;
        if settings.memory.recompute != Recompute::Always {
            self.recompute = true;
            return Some("activations are computed anew in the backward pass (memory.recompute: always)".into());
        }
        if shortage != Shortage::Update && in_flight > 1 {
            self.samples_in_flight = Some(in_flight / 2);
            return Some(format!("{} completions are generated at a time (memory.samples_in_flight)", in_flight / 2));
        }
        if shortage != Shortage::Rollout && per_pass > 1 {
            self.completions_per_pass = Some(per_pass / 2);
            return Some(format!(
                "the gradient of {} completions is computed at a time, and accumulated (memory.completions_per_pass)",
                per_pass / 2
            ));
        }
        let shorter = (length * 3 / 4).max(SHORTEST);
        (shorter < length).then(|| {
            self.max_completion_length = Some(shorter);
            format!(
                "completions are cut off after {shorter} tokens (rollout.max_completion_length): long answers are lost"
            )
        })
    }
}

/// Whether a computation ended for want of memory on the device, by what its panic says.
pub(super) fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "out of memory",
        "out-of-memory",
        // What CubeCL says of a GPU.
        "out of device memory",
        "outofmemory",
        "out_of_memory",
        "memory allocation",
        "can't allocate",
        "alloc failed",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.memory.limit = "1GB".parse().ok();
        settings.rollout.num_generations = 4;
        settings.rollout.max_completion_length = 24;
        settings
    }

    /// All rungs, top to bottom, as the settings have them.
    fn descent(shortage: Shortage) -> Vec<(Recompute, usize, usize, usize)> {
        let (asked, mut economies, mut rungs) = (settings(), Economies::default(), Vec::new());
        let mut now = asked.clone();
        while economies.descend(shortage, &now).is_some() {
            economies.apply(&mut now);
            let memory = &now.memory;
            let (flight, pass) = (memory.samples_in_flight.unwrap_or(8), memory.completions_per_pass.unwrap_or(4));
            rungs.push((memory.recompute, flight, pass, now.rollout.max_completion_length));
            assert_eq!((now.lora.r, now.rollout.num_generations), (asked.lora.r, asked.rollout.num_generations));
            assert!(rungs.len() < 50, "it never ends");
        }
        rungs
    }

    #[test]
    fn what_changes_the_lesson_comes_last_and_the_ladder_ends() {
        use Recompute::Always as A;
        assert_eq!(
            descent(Shortage::Rollout),
            [(A, 8, 4, 24), (A, 4, 4, 24), (A, 2, 4, 24), (A, 1, 4, 24), (A, 1, 4, 18), (A, 1, 4, 16)]
        );
        assert_eq!(
            descent(Shortage::Update),
            [(A, 8, 4, 24), (A, 8, 2, 24), (A, 8, 1, 24), (A, 8, 1, 18), (A, 8, 1, 16)]
        );
        assert_eq!(descent(Shortage::Anywhere).len(), 8);
    }

    #[test]
    fn less_than_what_a_run_has_come_down_to_may_be_asked_for() {
        let limit = settings().memory.limit;
        let economies =
            Economies { limit, max_completion_length: Some(18), samples_in_flight: Some(4), ..Economies::default() };
        let mut asked = settings();
        (asked.rollout.max_completion_length, asked.memory.samples_in_flight) = (12, Some(8));
        economies.apply(&mut asked);
        assert_eq!((asked.rollout.max_completion_length, asked.memory.samples_in_flight), (12, Some(4)));
    }

    #[test]
    fn another_limit_begins_anew() {
        let (mut settings, mut economies) = (settings(), Economies::default());
        economies.descend(Shortage::Rollout, &settings).unwrap();
        settings.memory.limit = "2GB".parse().ok();
        let before = settings.clone();
        economies.apply(&mut settings);
        assert_eq!(settings, before);
    }

    #[test]
    fn a_device_without_memory_is_told_from_other_failures() {
        assert!(is_out_of_memory("CUDA_ERROR_OUT_OF_MEMORY: cuMemAlloc"));
        assert!(is_out_of_memory("the server is Out of memory"));
        assert!(is_out_of_memory("out of device memory allocating 4096 bytes"));
        assert!(is_out_of_memory("An out-of-memory error happened during launch"));
        assert!(!is_out_of_memory("index out of bounds: the len is 3 but the index is 7"));
    }
}
