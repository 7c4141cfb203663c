//! What a step learns from: judged completions, with questions that teach nothing replaced where that is asked for.

use std::{collections::BTreeSet, ops::ControlFlow, time::Instant};

use super::{TrainError, questions::Prompt, rollout::Rollout, trainer::Trainer, watch::Watch};
use crate::{
    data::{Cursor, Order},
    model::Recording,
    reward::advantage::is_dead,
    run::profile::Work,
};

/// What the rollouts of a step brought.
pub(super) struct Gathered {
    /// All that was generated; a rollout's place is its group's number.
    pub all: Vec<Rollout>,
    /// The groups that are learned from, in order.
    pub kept: Vec<usize>,
    /// What was recorded of them.
    pub recordings: Vec<Option<Recording>>,
    /// Why questions were passed over.
    pub passed: BTreeSet<String>,
    /// Where the next step goes on in the data.
    pub cursor: Cursor,
    /// Rollouts that it took.
    pub rollouts: usize,
    /// Seconds of generating, and of scoring.
    pub seconds: [f64; 2],
}

impl Gathered {
    /// Tokens that the model wrote.
    pub fn completion_tokens(&self) -> usize {
        self.all.iter().map(Rollout::completion_tokens).sum()
    }

    /// The groups that are learned from.
    pub fn learned(&self) -> impl Iterator<Item = &Rollout> {
        self.kept.iter().map(|&group| &self.all[group])
    }
}

/// Groups to learn from, and the recordings of all that may become such.
struct Choice {
    wanted: usize,
    kept: Vec<usize>,
    recordings: Vec<Option<Recording>>,
}

impl Trainer {
    /// Asks questions in the course's order until there is enough to learn from; `None` if broken off.
    ///
    /// With `dynamic_sampling` a group is enough if some of its replies are right and some are wrong; others are replaced, in
    /// `max_num_gen_batches` times as many rollouts as a step takes otherwise at most. What is missing then is made up from
    /// them, those with any spread in their rewards first.
    pub(super) fn gather(&self, step: u64, watch: &mut dyn Watch) -> Result<Option<Gathered>, TrainError> {
        let progress = &self.policy.progress;
        let mut order = self.course.order(progress.cursor, &progress.pass_rates);
        let (grpo, usual) = (&self.settings.grpo, self.settings.generations_per_step());
        let most = if grpo.dynamic_sampling { usual * grpo.max_num_gen_batches } else { usual };
        let mut choice =
            Choice { wanted: self.settings.questions_per_step(), kept: Vec::new(), recordings: Vec::new() };
        let mut gathered = Gathered {
            all: Vec::new(),
            kept: Vec::new(),
            recordings: Vec::new(),
            passed: BTreeSet::new(),
            cursor: order.cursor(),
            rollouts: 0,
            seconds: [0.0; 2],
        };
        while choice.kept.len() < choice.wanted && gathered.rollouts < most {
            let count = self.settings.rollout.prompts_per_step.min(choice.wanted - choice.kept.len());
            if self.add_rollout(step, (&mut order, count), &mut choice, &mut gathered, watch)?.is_break() {
                return Ok(None);
            }
        }
        choice.make_up(&gathered.all);
        gathered.recordings = choice.kept.iter().map(|&group| choice.recordings[group].take()).collect();
        gathered.kept = choice.kept;
        gathered.cursor = order.cursor();
        Ok(Some(gathered))
    }

    fn add_rollout(
        &self,
        step: u64,
        (order, count): (&mut Order, usize),
        choice: &mut Choice,
        gathered: &mut Gathered,
        watch: &mut dyn Watch,
    ) -> Result<ControlFlow<()>, TrainError> {
        let started = Instant::now();
        watch.enter(Work::Rollout);
        let (prompts, passed): (Vec<Prompt>, _) = self.asker.draw(&self.model, &self.dataset.train, order, count)?;
        gathered.passed.extend(passed);
        let first = gathered.all.len();
        let Some((rollouts, mut recordings)) = self.roll_out(step, first, prompts, watch)? else {
            return Ok(ControlFlow::Break(()));
        };
        gathered.seconds[0] += started.elapsed().as_secs_f64();
        let started = Instant::now();
        watch.enter(Work::Reward);
        let Some(rollouts) = self.score(rollouts, watch) else { return Ok(ControlFlow::Break(())) };
        gathered.seconds[1] += started.elapsed().as_secs_f64();
        let corrected = self.correct((step, first), rollouts, &mut recordings, &mut gathered.seconds, watch)?;
        let Some(rollouts) = corrected else { return Ok(ControlFlow::Break(())) };
        gathered.rollouts += 1;
        for (rollout, recording) in rollouts.into_iter().zip(recordings) {
            let keeps = !self.settings.grpo.dynamic_sampling || rollout.is_undecided();
            choice.add(keeps, recording);
            gathered.all.push(rollout);
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Choice {
    fn add(&mut self, keeps: bool, recording: Option<Recording>) {
        if keeps {
            self.kept.push(self.recordings.len());
        }
        // What is made up from in the end is not worth its memory until then.
        self.recordings.push(recording.filter(|_| keeps));
    }

    /// Adds groups that teach little until there are as many as are wanted.
    fn make_up(&mut self, all: &[Rollout]) {
        let mut others: Vec<usize> = (0..all.len()).filter(|group| !self.kept.contains(group)).collect();
        others.sort_by_key(|&group| is_dead(&all[group].rewards()));
        let missing = self.wanted.saturating_sub(self.kept.len());
        self.kept.extend(others.into_iter().take(missing));
        self.kept.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rl::testing::rollout;

    #[test]
    fn what_is_missing_is_made_up_from_groups_with_any_spread_first() {
        let all = [
            rollout(&[0.0, 0.0], &[false, false]),
            rollout(&[1.0, 0.0], &[true, false]),
            rollout(&[0.3, 0.1], &[false, false]),
            rollout(&[1.0, 1.0], &[true, true]),
        ];
        for (wanted, expected) in [(1, vec![1]), (2, vec![1, 2]), (3, vec![0, 1, 2]), (9, vec![0, 1, 2, 3])] {
            let mut choice = Choice { wanted, kept: Vec::new(), recordings: Vec::new() };
            for rollout in &all {
                choice.add(rollout.is_undecided(), None);
            }
            choice.make_up(&all);
            assert_eq!(choice.kept, expected);
        }
    }
}
