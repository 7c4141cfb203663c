//! One GRPO step: rollout, scoring, update.

use std::{collections::BTreeSet, path::Path, time::Instant};

use super::{
    TrainError,
    engine::Engine,
    learner::{Examined, Learner, line_end, value},
    policy::{Policy, TrainerState},
    questions::Asker,
    rollout::Rollout,
    step_metrics::{component_rewards, reward_metrics, sampling_metrics},
    update::Lesson,
    watch::Watch,
};
use crate::{
    data::{Course, Dataset},
    model::{Model, PackedGroup},
    reward::Scorer,
    run::{
        event::{GroupScored, StepDone},
        metrics,
        profile::Work,
    },
    settings::Settings,
};

/// Everything that a run computes with.
pub struct Trainer {
    /// The frozen base.
    pub model: Model,
    /// What training changes.
    pub policy: Policy,
    /// The questions.
    pub dataset: Dataset,
    /// The order in which they come.
    pub course: Course,
    /// Judges replies.
    pub scorer: Scorer,
    /// Makes prompts.
    pub asker: Asker,
    /// All settings.
    pub settings: Settings,
    /// Steps at which the run ends.
    pub max_steps: u64,
    /// Why questions were passed over, each of which is told once.
    pub told: BTreeSet<String>,
}

/// What a step reports.
#[derive(Debug)]
pub struct StepOutput {
    /// Its metrics.
    pub done: StepDone,
    /// Its samples.
    pub groups: Vec<GroupScored>,
    /// Things worth a line in the log.
    pub warnings: Vec<String>,
}

impl Trainer {
    /// Trains one step. `None` if `watch` broke it off: then nothing has changed.
    ///
    /// # Errors
    /// The model, a database schema or the optimizer fails.
    pub fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        let started = Instant::now();
        watch.enter(Work::Rollout);
        let step = self.policy.progress.step + 1;
        let progress = &self.policy.progress;
        let mut order = self.course.order(progress.cursor, &progress.pass_rates);
        let count = self.settings.rollout.prompts_per_step;
        let (prompts, passed) = self.asker.draw(&self.model, &self.dataset.train, &mut order, count)?;
        let Some((rollouts, recordings)) = self.roll_out(step, prompts, watch)? else { return Ok(None) };
        let rollout_time = started.elapsed().as_secs_f64();
        watch.enter(Work::Reward);
        let before = self.scorer.tally();
        let Some(rollouts) = self.score(rollouts, watch) else { return Ok(None) };
        let stopped_by_clock = self.scorer.tally().since(&before).stopped_by_clock;
        let scoring_time = started.elapsed().as_secs_f64() - rollout_time;
        watch.enter(Work::Update);
        let rewards: Vec<Vec<f64>> = rollouts.iter().map(|r| r.scored.iter().map(|s| s.reward).collect()).collect();
        let advantages = component_rewards(&rollouts, &self.settings.reward).advantages(&self.settings.grpo);
        let groups: Vec<PackedGroup> = rollouts.iter().map(Rollout::packed).collect();
        let counts: Vec<Vec<bool>> =
            rollouts.iter().map(|rollout| rollout.counts(self.settings.grpo.mask_truncated_completions)).collect();
        let lesson = Lesson { groups: &groups, recordings, advantages: &advantages, counts: &counts };
        let Some(updated) = self.engine().update(step, lesson, watch)? else { return Ok(None) };
        self.policy.progress.coefficients = updated.coefficients;
        (self.policy.adapter, self.policy.optimizer) = (updated.adapter, updated.optimizer);
        let update = updated.report;

        let mut warnings = self.count_skipped(update.skipped);
        warnings.extend(passed.into_iter().filter(|reason| self.told.insert(reason.clone())));
        let progress = &mut self.policy.progress;
        for rollout in &rollouts {
            let rate = progress.pass_rates.entry(rollout.prompt.example.id).or_default();
            rate.count(rollout.scored.len(), rollout.scored.iter().filter(|scored| scored.correct).count());
        }
        progress.step = step;
        progress.cursor = order.cursor();
        progress.num_tokens += rollouts.iter().map(Rollout::tokens).sum::<usize>() as u64;
        let mut metrics = reward_metrics(&rollouts, &rewards);
        metrics.set("outcomes/stopped_by_clock", stopped_by_clock as f64);
        update.describe(&mut metrics);
        sampling_metrics(&rollouts, &updated.logprobs, &mut metrics);
        let generated: usize = rollouts.iter().map(Rollout::completion_tokens).sum();
        metrics.set(metrics::NUM_TOKENS, progress.num_tokens as f64);
        metrics.set(metrics::TOKENS_PER_SECOND, generated as f64 / rollout_time.max(1e-9));
        metrics.set(metrics::ROLLOUT_TIME, rollout_time);
        metrics.set(metrics::SCORING_TIME, scoring_time);
        metrics.set(metrics::STEP_TIME, started.elapsed().as_secs_f64());
        metrics.set(metrics::UPDATE_TIME, started.elapsed().as_secs_f64() - rollout_time - scoring_time);
        let groups = self.describe_groups(step, rollouts, &advantages);
        Ok(Some(StepOutput { done: StepDone { step, metrics }, groups, warnings }))
    }

    /// The computing part.
    pub(super) fn engine(&self) -> Engine<'_> {
        let Self { model, policy, settings, max_steps, .. } = self;
        Engine { model, policy, settings, max_steps: *max_steps, stops: true }
    }

    fn count_skipped(&mut self, skipped: u64) -> Vec<String> {
        let progress = &mut self.policy.progress;
        if skipped == 0 {
            progress.skipped = 0;
            return Vec::new();
        }
        progress.skipped += skipped;
        vec![format!("loss or gradient is not finite: update left out ({} in a row)", progress.skipped)]
    }

    fn describe_groups(&self, step: u64, rollouts: Vec<Rollout>, advantages: &[Vec<f64>]) -> Vec<GroupScored> {
        let describe = |(group, (rollout, advantages)): (usize, (Rollout, &Vec<f64>))| {
            let gold = self.scorer.gold(&rollout.prompt.example);
            rollout.describe(step, group, gold, advantages)
        };
        rollouts.into_iter().zip(advantages).enumerate().map(describe).collect()
    }
}

impl Learner for Trainer {
    fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        Trainer::step(self, watch)
    }

    fn evaluate(&mut self, watch: &mut dyn Watch) -> Result<Option<Examined>, TrainError> {
        Ok(Trainer::evaluate(self, watch)?.map(|done| Examined { done, groups: Vec::new() }))
    }

    fn save(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.policy.save(&self.model.summary().path, dir)
    }

    fn progress(&self) -> &TrainerState {
        &self.policy.progress
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn max_steps(&self) -> u64 {
        self.max_steps
    }

    fn line(&self, done: &StepDone) -> String {
        let metrics = &done.metrics;
        format!(
            "reward {:.3}, execution accuracy {:.1} %, KL {:.4}, {}",
            value(metrics, metrics::REWARD),
            value(metrics, metrics::EXECUTION_ACCURACY) * 100.0,
            value(metrics, metrics::KL),
            line_end(metrics)
        )
    }
}
