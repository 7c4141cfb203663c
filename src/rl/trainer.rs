//! One GRPO step: rollout, scoring, update.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    time::Instant,
};

use super::{
    TrainError,
    ask::Asked,
    changes,
    engine::Engine,
    gather::Gathered,
    learner::{Examined, Learner, line_end, value},
    optimizer::squared_norms,
    policy::{Policy, TrainerState},
    questions::Asker,
    rollout::Rollout,
    session::panic_text,
    step_memory::StepMemory,
    step_metrics::{component_rewards, reward_metrics, sampling_metrics, turn_metrics},
    update::{Given, Lesson, Update, Updated},
    watch::Watch,
};
use crate::{
    data::{Course, Dataset},
    model::{Lora, Model, PackedGroup},
    reward::Scorer,
    run::{
        checkpoint::Checkpoint,
        event::{GradientFlow, GroupScored, SettingChanged, StepDone},
        memory::MemoryMeter,
        metrics::{self, Metrics},
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
    /// The settings that were asked for.
    pub asked: Settings,
    /// The settings that it computes by: those asked for, with what was changed since and what it does without for want of memory.
    pub settings: Settings,
    /// Steps at which the run ends.
    pub max_steps: u64,
    /// Tokens after which an answer to a held-out question is cut off: also where completions are shorter for want of memory, so that
    /// accuracies can be compared.
    pub answer_length: usize,
    /// Reads memory in use.
    pub memory: MemoryMeter,
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
    /// Each layer's gradient, in steps that report it.
    pub gradients: Option<GradientFlow>,
    /// Things worth a line in the log.
    pub warnings: Vec<String>,
}

impl Trainer {
    /// Trains one step. `None` if `watch` broke it off: then nothing has changed.
    ///
    /// # Errors
    /// The model, a database schema or the optimizer fails.
    pub fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        let mut warnings = Vec::new();
        loop {
            // A step that is not finished has changed nothing.
            let tried = catch_unwind(AssertUnwindSafe(|| self.try_step(watch)));
            let told = match &tried {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => self.after_failure(&error.to_string()),
                Err(panic) => self.after_failure(&panic_text(panic.as_ref())),
            };
            if let Some(told) = told {
                warnings.push(told);
                continue;
            }
            let mut output = tried.unwrap_or_else(|panic| resume_unwind(panic))?;
            if let Some(output) = &mut output {
                output.warnings.splice(..0, warnings);
            }
            return Ok(output);
        }
    }

    fn try_step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        let started = Instant::now();
        let mut memory = StepMemory::begin(&self.memory);
        let step = self.policy.progress.step + 1;
        let before = self.scorer.tally();
        let Some(mut gathered) = self.gather(step, watch)? else { return Ok(None) };
        let stopped_by_clock = self.scorer.tally().since(&before).stopped_by_clock;
        memory.rolled_out();
        watch.enter(Work::Update);
        let advantages = component_rewards(gathered.learned(), &self.settings).advantages(&self.settings.grpo);
        let groups: Vec<PackedGroup> = gathered.learned().map(Rollout::packed).collect();
        let truncated = self.settings.grpo.mask_truncated_completions;
        let counts: Vec<Vec<bool>> = gathered.learned().map(|rollout| rollout.counts(truncated)).collect();
        let recordings = std::mem::take(&mut gathered.recordings);
        let given: Vec<Vec<Given>> = gathered.learned().map(Rollout::given).collect();
        let lesson = Lesson { groups: &groups, recordings, advantages: &advantages, counts: &counts, given: &given };
        let Some(updated) = self.engine().update(step, lesson, watch)? else { return Ok(None) };
        let Updated { adapter, optimizer, coefficients, logprobs, report } = updated;
        let reference = self.policy.moved_reference(&adapter, &self.settings.grpo, step);
        let gradients = self.gradient_flow(step, &report.gradient_norms, &adapter)?;
        memory.updated();

        // From here on nothing can fail.
        (self.policy.adapter, self.policy.optimizer) = (adapter, optimizer);
        self.policy.reference = reference.or(self.policy.reference.take());
        self.policy.progress.coefficients = coefficients;
        let mut warnings = self.count_skipped(&report);
        let passed = std::mem::take(&mut gathered.passed);
        warnings.extend(passed.into_iter().filter(|reason| self.told.insert(reason.clone())));
        self.count(step, &gathered);
        let mut metrics = reward_metrics(&gathered.all);
        metrics.set("outcomes/stopped_by_clock", stopped_by_clock as f64);
        report.describe(&mut metrics);
        sampling_metrics(gathered.learned(), &logprobs, &mut metrics);
        self.rollout_metrics(&gathered, &mut metrics);
        if self.settings.rollout.correction_turns > 0 {
            turn_metrics(&gathered.all, &mut metrics);
        }
        self.memory_metrics(&memory, &mut metrics);
        warnings.extend(self.economize(&memory));
        let seconds = started.elapsed().as_secs_f64();
        metrics.set(metrics::STEP_TIME, seconds);
        metrics.set(metrics::UPDATE_TIME, seconds - gathered.seconds.iter().sum::<f64>());
        let groups = self.describe_groups(step, gathered, &advantages);
        Ok(Some(StepOutput { done: StepDone { step, metrics }, groups, gradients, warnings }))
    }

    /// Computes from now on by what was asked for, what was changed since, and what has to be done without.
    pub(super) fn take_up_settings(&mut self) {
        let progress = &mut self.policy.progress;
        self.settings = changes::take_up(&self.asked, progress);
        self.answer_length = self.settings.rollout.max_completion_length;
        progress.economies.apply(&mut self.settings);
        self.scorer.weigh(self.settings.reward.clone());
        self.asker.constrain(self.settings.rollout.constrain);
    }

    /// Notes how far the run has come.
    fn count(&mut self, step: u64, gathered: &Gathered) {
        let progress = &mut self.policy.progress;
        for rollout in &gathered.all {
            let rate = progress.pass_rates.entry(rollout.prompt.example.id).or_default();
            rate.count(rollout.scored.len(), rollout.solved());
        }
        progress.step = step;
        progress.cursor = gathered.cursor;
        progress.num_tokens += gathered.all.iter().map(Rollout::tokens).sum::<usize>() as u64;
    }

    fn rollout_metrics(&self, gathered: &Gathered, metrics: &mut Metrics) {
        let [rollout, scoring] = gathered.seconds;
        let (progress, cursor) = (&self.policy.progress, gathered.cursor);
        let share = cursor.position as f64 / self.dataset.train.len().max(1) as f64;
        metrics.set(metrics::EPOCH, cursor.epoch as f64 + share);
        metrics.set(metrics::NUM_TOKENS, progress.num_tokens as f64);
        metrics.set(metrics::TOKENS_PER_SECOND, gathered.completion_tokens() as f64 / rollout.max(1e-9));
        metrics.set(metrics::ROLLOUT_TIME, rollout);
        metrics.set(metrics::SCORING_TIME, scoring);
        if self.settings.grpo.dynamic_sampling {
            let undecided = gathered.all.iter().filter(|rollout| rollout.is_undecided()).count();
            metrics.set(metrics::FILTER_PASS_RATE, undecided as f64 / gathered.all.len().max(1) as f64);
            metrics.set("num_gen_batches", gathered.rollouts as f64);
        }
    }

    /// Norms of the adapter's matrices and of their gradients, in steps that report them.
    fn gradient_flow(&self, step: u64, gradients: &[f64], adapter: &Lora) -> Result<Option<GradientFlow>, TrainError> {
        let every = self.settings.run.gradient_flow_every;
        if every == 0 || !step.is_multiple_of(every) {
            return Ok(None);
        }
        let weights: Vec<_> = adapter.params.iter().map(|param| param.value.clone()).collect();
        let weights: Vec<f64> = squared_norms(&weights)?.into_iter().map(f64::sqrt).collect();
        let modules = adapter.targets.iter().map(|target| target.name().to_owned()).collect();
        Ok(Some(GradientFlow::new(step, modules, gradients, &weights)))
    }

    /// The computing part.
    pub(super) fn engine(&self) -> Engine<'_> {
        let Self { model, policy, settings, max_steps, .. } = self;
        Engine { model, policy, settings, max_steps: *max_steps, stops: true }
    }

    fn count_skipped(&mut self, update: &Update) -> Vec<String> {
        let in_a_row = update.skipped_in_a_row;
        self.policy.progress.skipped = in_a_row;
        let told = (update.skipped > 0)
            .then(|| format!("loss or gradient is not finite: update left out ({in_a_row} in a row)"));
        told.into_iter().collect()
    }

    fn describe_groups(&self, step: u64, gathered: Gathered, advantages: &[Vec<f64>]) -> Vec<GroupScored> {
        let Gathered { all, kept, .. } = gathered;
        let mut advantages = kept.into_iter().zip(advantages).peekable();
        let describe = |(group, rollout): (usize, Rollout)| {
            // Groups that were replaced teach nothing, and are not kept.
            let (_, advantages) = advantages.next_if(|(kept, _)| *kept == group)?;
            let gold = self.scorer.gold(&rollout.prompt.example);
            Some(rollout.describe(step, group, gold, advantages, self.model.tokenizer.spellings()))
        };
        all.into_iter().enumerate().filter_map(describe).collect()
    }
}

impl Learner for Trainer {
    fn database(&self, db_id: &str) -> Option<&Path> {
        let example = self.dataset.train.iter().find(|example| example.db_id == db_id);
        example.map(|example| example.database.as_path())
    }

    fn step(&mut self, watch: &mut dyn Watch) -> Result<Option<StepOutput>, TrainError> {
        Trainer::step(self, watch)
    }

    fn evaluate(&mut self, watch: &mut dyn Watch) -> Result<Option<Examined>, TrainError> {
        Ok(Trainer::evaluate(self, watch)?.map(|done| Examined { done, groups: Vec::new() }))
    }

    fn save(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.policy.save(&self.model.summary().path, dir)
    }

    fn roll_back(&mut self, from: &Checkpoint) -> Result<(), TrainError> {
        let device = self.policy.adapter.params.first().map(|param| param.value.device()).unwrap_or_default();
        self.policy = Policy::resume(&self.model, &self.asked, &device, from)?;
        self.take_up_settings();
        Ok(())
    }

    fn change(&mut self, change: SettingChanged) -> Result<(), String> {
        changes::note(&self.asked, &mut self.policy.progress, change)?;
        self.take_up_settings();
        Ok(())
    }

    fn ask(&self, database: &str, question: &str, watch: &mut dyn Watch) -> Result<Asked, TrainError> {
        Trainer::ask(self, database, question, watch)
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
