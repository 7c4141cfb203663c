//! How a step's groups are parted among updates, in TRL's terms: a rollout comes in `steps_per_generation` parts, and
//! `gradient_accumulation_steps` parts make an update.

use std::ops::Range;

use crate::settings::Settings;

impl Settings {
    /// Parts of a rollout.
    fn steps_per_generation(&self) -> usize {
        self.grpo.steps_per_generation.unwrap_or(self.optim.gradient_accumulation_steps).max(1)
    }

    /// Rollouts, each of `rollout.prompts_per_step` questions, that a step takes: more than one where an update takes more parts
    /// than a rollout has.
    pub fn generations_per_step(&self) -> usize {
        self.optim.gradient_accumulation_steps.div_ceil(self.steps_per_generation())
    }

    /// Updates that the replies of a rollout take part in, or lead to.
    pub fn updates_per_rollout(&self) -> usize {
        let accumulated = self.optim.gradient_accumulation_steps.max(1);
        self.steps_per_generation().div_ceil(accumulated) * self.grpo.num_iterations
    }

    /// Questions that a step learns from.
    pub fn questions_per_step(&self) -> usize {
        self.rollout.prompts_per_step * self.generations_per_step()
    }
}

/// A step's groups, parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    parts: Vec<Range<usize>>,
    accumulated: usize,
}

impl Plan {
    /// A plan for so many groups. Parts are of the same size where the settings allow for that.
    pub fn new(settings: &Settings, groups: usize) -> Self {
        let parts = settings.steps_per_generation() * settings.generations_per_step();
        let bound = |part: usize| part * groups / parts;
        Self {
            parts: (0..parts).map(|part| bound(part)..bound(part + 1)).collect(),
            accumulated: settings.optim.gradient_accumulation_steps.max(1),
        }
    }

    /// The parts that make each update.
    pub fn updates(&self) -> impl Iterator<Item = &[Range<usize>]> {
        self.parts.chunks(self.accumulated)
    }

    /// How many groups the first update takes.
    pub fn first(&self) -> usize {
        self.updates().next().and_then(<[_]>::last).map_or(0, |part| part.end)
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a list of parts may have one")]
mod tests {
    use super::*;

    fn settings(prompts: usize, accumulated: usize, parts: Option<usize>) -> Settings {
        let mut settings = Settings::default();
        settings.rollout.prompts_per_step = prompts;
        settings.optim.gradient_accumulation_steps = accumulated;
        settings.grpo.steps_per_generation = parts;
        settings
    }

    fn updates(settings: &Settings) -> Vec<Vec<Range<usize>>> {
        Plan::new(settings, settings.questions_per_step()).updates().map(<[_]>::to_vec).collect()
    }

    #[test]
    fn a_rollout_is_one_update_unless_asked_otherwise() {
        assert_eq!(updates(&settings(3, 1, None)), [vec![0..3]]);
        // As TRL's default for steps_per_generation has it.
        assert_eq!(updates(&settings(4, 2, None)), [vec![0..2, 2..4]]);
        assert_eq!(settings(4, 2, None).generations_per_step(), 1);
    }

    #[test]
    fn more_parts_than_an_update_takes_are_several_updates() {
        let several = settings(4, 2, Some(4));
        assert_eq!(updates(&several), [vec![0..1, 1..2], vec![2..3, 3..4]]);
        assert_eq!((several.questions_per_step(), Plan::new(&several, 4).first()), (4, 2));
        assert_eq!((several.updates_per_rollout(), settings(2, 4, Some(1)).updates_per_rollout()), (2, 1));
    }

    #[test]
    fn fewer_parts_than_an_update_takes_are_several_rollouts() {
        let several = settings(2, 4, Some(1));
        assert_eq!((several.generations_per_step(), several.questions_per_step()), (4, 8));
        assert_eq!(updates(&several), [vec![0..2, 2..4, 4..6, 6..8]]);
    }
}
