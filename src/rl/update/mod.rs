//! The updates of a step: reference pass, gradient, optimizer.

mod batch;
mod given;
mod plan;
#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a list of parts may have one")]
mod tests;

use std::time::{Duration, Instant};

use batch::{Batch, Evaluated};
pub use given::Given;
use plan::Plan;

use super::{
    TrainError,
    coefficients::Coefficients,
    engine::Engine,
    loss::LossStats,
    optimizer::{AdamW, clip_scale, squared_norms},
    schedule::learning_rate,
    watch::Watch,
};
use crate::{
    model::{Lora, PackedGroup, Recording},
    run::{
        event::Phase,
        metrics::{self, Metrics},
        profile::Work,
    },
    settings::Settings,
};

/// What a step learns from: groups and their judgement.
pub struct Lesson<'a> {
    /// Prompts with their completions.
    pub groups: &'a [PackedGroup],
    /// What generation has computed of each group, with the policy as it is: it spares the first forward pass.
    pub recordings: Vec<Option<Recording>>,
    /// By group and completion.
    pub advantages: &'a [Vec<f64>],
    /// Whether a completion counts, by group.
    pub counts: &'a [Vec<bool>],
    /// Tokens that the model did not write, by group and completion.
    pub given: &'a [Vec<Given>],
}

/// What a step makes of the policy.
pub struct Updated {
    /// The adapter.
    pub adapter: Lora,
    /// Its optimizer.
    pub optimizer: AdamW,
    /// Coefficients for the next step.
    pub coefficients: Coefficients,
    /// Log-probabilities of each group's completions before the first update, of the tokens that the model wrote.
    pub logprobs: Vec<Vec<Vec<f32>>>,
    /// What there is to tell.
    pub report: Update,
}

/// What the updates of a step report. What each of them has a value of is averaged over them.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// The objective.
    pub loss: f64,
    /// The gradient's norm before clipping.
    pub grad_norm: f64,
    /// Norms of the first update's gradient, by the adapter's matrices.
    pub gradient_norms: Vec<f64>,
    /// Statistics.
    pub stats: LossStats,
    /// The learning rate.
    pub learning_rate: f64,
    /// Updates from each rollout. With one, ratios are 1 by construction, and nothing is ever clipped.
    pub updates: u64,
    /// Updates left out because loss or gradient was not finite.
    pub skipped: u64,
    /// Those of them, with those of steps before, since the last one that was done.
    pub skipped_in_a_row: u64,
    /// The KL term's weight.
    pub beta: f64,
    /// The entropy bonus's weight afterwards; `None` if there is no such bonus.
    pub entropy_coef: Option<f64>,
    /// Wall-clock time of the reference pass.
    pub reference_time: Duration,
}

impl Update {
    /// Adds what it tells to a step's metrics.
    pub fn describe(&self, metrics: &mut Metrics) {
        metrics.set(metrics::LOSS, self.loss);
        metrics.set(metrics::GRAD_NORM, self.grad_norm);
        metrics.set(metrics::LEARNING_RATE, self.learning_rate);
        metrics.set("beta", self.beta);
        metrics.set(metrics::UPDATES_PER_ROLLOUT, self.updates as f64);
        metrics.set(metrics::SKIPPED_UPDATES, self.skipped as f64);
        for (name, value) in self.stats.metrics() {
            metrics.set(name, value);
        }
        if let Some(coefficient) = self.entropy_coef {
            metrics.set("entropy_coef", coefficient);
            metrics.set("policy_loss", self.stats.policy_loss / self.updates.max(1) as f64);
        }
    }
}

/// A policy while it is being updated.
struct Moving {
    adapter: Lora,
    optimizer: AdamW,
    report: Update,
}

impl Engine<'_> {
    /// `num_iterations` passes over a step's groups, in as many updates each as the settings ask for; `None` if broken off.
    ///
    /// # Errors
    /// The model or the optimizer fails.
    pub fn update(&self, step: u64, lesson: Lesson<'_>, watch: &mut dyn Watch) -> Result<Option<Updated>, TrainError> {
        let (iterations, groups) = (self.settings.grpo.num_iterations, lesson.groups);
        let plan = Plan::new(self.settings, groups.len());
        let later = plan.first()..groups.len();
        let units = (groups.len() * (1 + iterations) + later.len()) as u64;
        let mut done = 0;
        let mut tick = |watch: &mut dyn Watch| {
            done += 1;
            watch.progress(Phase::Update, done - 1, units).is_break()
        };
        let started = Instant::now();
        let mut batch = Batch::new(self, &lesson);
        watch.enter(Work::Reference);
        for group in 0..groups.len() {
            if tick(watch) {
                return Ok(None);
            }
            batch.reference.push(self.score_group(self.policy.reference.as_ref(), &batch, group)?.logprobs);
        }
        let reference_time = started.elapsed();
        watch.enter(Work::Gradient);
        // By the time that later updates look at their groups, the policy has moved away from what wrote them.
        for group in later {
            if tick(watch) {
                return Ok(None);
            }
            batch.old[group] = Some(self.score_group(Some(&self.policy.adapter), &batch, group)?.logprobs);
        }
        let mut moving = self.start(step, reference_time, batch.objective.beta);
        let mut recordings = lesson.recordings;
        recordings.truncate(plan.first());
        for _ in 0..iterations {
            for parts in plan.updates() {
                watch.enter(Work::Gradient);
                let recordings = std::mem::take(&mut recordings);
                let at = self.evaluate_objective(&moving.adapter, &batch, parts, recordings, &mut || tick(watch))?;
                let Some(mut at) = at else { return Ok(None) };
                watch.enter(Work::Optimizer);
                for (group, scores) in parts.iter().cloned().flatten().zip(std::mem::take(&mut at.scores)) {
                    batch.old[group].get_or_insert(scores);
                }
                moving.update(at, self.settings)?;
            }
        }
        let logprobs = batch.old.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Some(self.finish(moving, groups, logprobs)))
    }

    fn start(&self, step: u64, reference_time: Duration, beta: f64) -> Moving {
        let learning_rate = learning_rate(&self.settings.optim, step, self.max_steps);
        let skipped_in_a_row = self.policy.progress.skipped;
        let report = Update { learning_rate, skipped_in_a_row, beta, reference_time, ..Update::default() };
        Moving { adapter: self.policy.adapter.clone(), optimizer: self.policy.optimizer.clone(), report }
    }

    fn finish(&self, moving: Moving, groups: &[PackedGroup], logprobs: Vec<Vec<Vec<f32>>>) -> Updated {
        let (Moving { adapter, optimizer, mut report }, grpo) = (moving, &self.settings.grpo);
        let completions = groups.iter().map(|group| group.completions.len()).sum();
        let (entropy, kl) = (report.stats.mean_entropy(), report.stats.mean_kl());
        let coefficients = self.policy.progress.coefficients.after(grpo, entropy, kl, completions);
        let bonus = grpo.entropy_coef != 0.0 || grpo.use_adaptive_entropy;
        report.entropy_coef = bonus.then(|| coefficients.entropy_coef(grpo));
        let updates = report.updates.max(1) as f64;
        report.loss /= updates;
        report.grad_norm /= updates;
        Updated { adapter, optimizer, coefficients, logprobs, report }
    }
}

impl Moving {
    /// One update, or none if its loss or gradient is not finite.
    fn update(&mut self, at: Evaluated, settings: &Settings) -> Result<(), TrainError> {
        let (Self { adapter, optimizer, report }, optim) = (self, &settings.optim);
        let squares = squared_norms(&at.gradients.values)?;
        let grad_norm = squares.iter().sum::<f64>().sqrt();
        if grad_norm.is_finite() && at.loss.is_finite() {
            let scale = clip_scale(grad_norm, optim.max_grad_norm);
            optimizer.update(&mut adapter.params, &at.gradients.values, scale, report.learning_rate, optim);
            report.skipped_in_a_row = 0;
        } else {
            report.skipped += 1;
            report.skipped_in_a_row += 1;
        }
        report.loss += at.loss;
        report.grad_norm += grad_norm;
        if report.updates == 0 {
            report.gradient_norms = squares.into_iter().map(f64::sqrt).collect();
        }
        report.stats.merge(at.stats);
        report.updates += 1;
        Ok(())
    }
}
