//! The update of a step: reference pass, gradient, optimizer.

use std::time::{Duration, Instant};

use super::{
    TrainError,
    coefficients::Coefficients,
    engine::Engine,
    loss::{LossStats, Objective, Sequence, Totals},
    optimizer::{AdamW, clip_scale, global_norm},
    schedule::learning_rate,
    watch::Watch,
};
use crate::{
    model::{BackwardOptions, Lora, LoraGrads, PackedGroup, Recording, TokenGrads, TokenScores},
    run::{
        event::Phase,
        metrics::{self, Metrics},
        profile::Work,
    },
};

/// What an update learns from: a step's groups and their judgement.
pub struct Lesson<'a> {
    /// Prompts with their completions.
    pub groups: &'a [PackedGroup],
    /// What generation has computed of the groups, with the policy as it is: it spares the first forward pass.
    pub recordings: Option<Vec<Recording>>,
    /// By group and completion.
    pub advantages: &'a [Vec<f64>],
    /// Whether a completion counts, by group.
    pub counts: &'a [Vec<bool>],
}

/// What an update makes of the policy.
pub struct Updated {
    /// The adapter.
    pub adapter: Lora,
    /// Its optimizer.
    pub optimizer: AdamW,
    /// Coefficients for the next one.
    pub coefficients: Coefficients,
    /// Log-probabilities of each group's completions before the first update.
    pub logprobs: Vec<Vec<Vec<f32>>>,
    /// What there is to tell.
    pub report: Update,
}

/// What an update reports.
pub struct Update {
    /// The objective before the first update.
    pub loss: f64,
    /// The gradient's norm at that point, before clipping.
    pub grad_norm: f64,
    /// Statistics at that point.
    pub stats: LossStats,
    /// The learning rate.
    pub learning_rate: f64,
    /// Updates left out because loss or gradient was not finite.
    pub skipped: u64,
    /// The KL term's weight in it.
    pub beta: f64,
    /// The entropy bonus's weight after it; `None` if there is no such bonus.
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
        for (name, value) in self.stats.metrics() {
            metrics.set(name, value);
        }
        if let Some(coefficient) = self.entropy_coef {
            metrics.set("entropy_coef", coefficient);
            metrics.set("policy_loss", self.stats.policy_loss);
        }
    }
}

/// A step's groups and what the objective needs to know of them.
struct Batch<'a> {
    groups: &'a [PackedGroup],
    advantages: &'a [Vec<f64>],
    counts: &'a [Vec<bool>],
    reference: Vec<Vec<Vec<f32>>>,
    /// Log-probabilities before the first update, by group; empty until that is done.
    old: Vec<Vec<Vec<f32>>>,
    objective: Objective,
    temperature: f32,
    options: BackwardOptions,
}

/// Value, statistics and gradient of the objective at one point.
struct Evaluated {
    loss: f64,
    stats: LossStats,
    gradients: LoraGrads,
    scores: Vec<Vec<Vec<f32>>>,
}

impl Engine<'_> {
    /// `num_iterations` passes over a step's groups, an optimizer update each; `None` if broken off.
    ///
    /// # Errors
    /// The model or the optimizer fails.
    pub fn update(&self, step: u64, lesson: Lesson<'_>, watch: &mut dyn Watch) -> Result<Option<Updated>, TrainError> {
        let (optim, iterations) = (&self.settings.optim, self.settings.grpo.num_iterations);
        let groups = lesson.groups;
        let units = (groups.len() * (1 + iterations)) as u64;
        let mut done = 0;
        let mut tick = |watch: &mut dyn Watch| {
            done += 1;
            watch.progress(Phase::Update, done - 1, units).is_break()
        };
        let started = Instant::now();
        let mut batch = self.batch(&lesson);
        watch.enter(Work::Reference);
        for group in groups {
            if tick(watch) {
                return Ok(None);
            }
            batch.reference.push(self.model.score(self.policy.reference.as_ref(), group, batch.temperature)?.logprobs);
        }
        let reference_time = started.elapsed();
        let (mut adapter, mut optimizer) = (self.policy.adapter.clone(), self.policy.optimizer.clone());
        let (learning_rate, mut first, mut skipped) = (learning_rate(optim, step, self.max_steps), None, 0);
        let mut recordings = lesson.recordings.unwrap_or_default();
        for _ in 0..iterations {
            watch.enter(Work::Gradient);
            let recordings = std::mem::take(&mut recordings);
            let at = self.evaluate_objective(&adapter, &batch, recordings, &mut || tick(watch))?;
            let Some(at) = at else { return Ok(None) };
            watch.enter(Work::Optimizer);
            let grad_norm = global_norm(&at.gradients.values)?;
            if grad_norm.is_finite() && at.loss.is_finite() {
                let scale = clip_scale(grad_norm, optim.max_grad_norm);
                optimizer.update(&mut adapter.params, &at.gradients.values, scale, learning_rate, optim);
            } else {
                skipped += 1;
            }
            if batch.old.is_empty() {
                batch.old = at.scores;
            }
            let (beta, entropy_coef) = (batch.objective.beta, None);
            let Evaluated { loss, stats, .. } = at;
            let report =
                Update { loss, grad_norm, stats, learning_rate, skipped: 0, beta, entropy_coef, reference_time };
            first.get_or_insert(report);
        }
        let (logprobs, grpo) = (batch.old, &self.settings.grpo);
        Ok(first.map(|first| {
            let completions = groups.iter().map(|group| group.completions.len()).sum();
            let (entropy, kl) = (first.stats.mean_entropy(), first.stats.mean_kl());
            let coefficients = self.policy.progress.coefficients.after(grpo, entropy, kl, completions);
            let bonus = grpo.entropy_coef != 0.0 || grpo.use_adaptive_entropy;
            let entropy_coef = bonus.then(|| coefficients.entropy_coef(grpo));
            let report = Update { skipped, entropy_coef, ..first };
            Updated { adapter, optimizer, coefficients, logprobs, report }
        }))
    }

    fn batch<'a>(&self, lesson: &Lesson<'a>) -> Batch<'a> {
        let (settings, coefficients) = (self.settings, &self.policy.progress.coefficients);
        let (grpo, length) = (&settings.grpo, settings.rollout.max_completion_length);
        let (beta, entropy_coef) = (coefficients.beta(grpo), coefficients.applied_entropy_coef(grpo));
        Batch {
            groups: lesson.groups,
            advantages: lesson.advantages,
            counts: lesson.counts,
            reference: Vec::with_capacity(lesson.groups.len()),
            old: Vec::new(),
            objective: Objective::new(grpo, beta, entropy_coef, length),
            temperature: settings.rollout.temperature as f32,
            options: BackwardOptions { recompute: settings.memory.recompute, head_chunk: settings.memory.head_chunk },
        }
    }

    fn evaluate_objective(
        &self,
        adapter: &Lora,
        batch: &Batch<'_>,
        recordings: Vec<Recording>,
        tick: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Evaluated>, TrainError> {
        let mut at =
            Evaluated { loss: 0.0, stats: LossStats::default(), gradients: LoraGrads::of(adapter), scores: Vec::new() };
        let totals = self.totals(adapter, batch)?;
        let mut recordings = recordings.into_iter();
        for (g, group) in batch.groups.iter().enumerate() {
            if tick() {
                return Ok(None);
            }
            let (loss, stats) = (&mut at.loss, &mut at.stats);
            let mut objective = |scores: &TokenScores| {
                let part = batch.objective.evaluate(&batch.sequences(g, scores), totals);
                *loss += part.loss;
                stats.merge(part.stats);
                TokenGrads { logprobs: part.gradient, entropies: part.entropy_gradient }
            };
            let (gradients, temperature, options) = (&mut at.gradients, batch.temperature, batch.options);
            let scores = match recordings.next() {
                Some(recording) => {
                    let recorded = (group, recording);
                    let chunk = options.head_chunk;
                    self.model.backward_recorded(adapter, recorded, temperature, chunk, &mut objective, gradients)?
                }
                None => self.model.backward(adapter, group, temperature, options, &mut objective, gradients)?,
            };
            at.scores.push(scores.logprobs);
        }
        Ok(Some(at))
    }

    /// Sizes of the batch. Which tokens are uncertain shows only when all are known: that takes a forward pass of its own.
    fn totals(&self, adapter: &Lora, batch: &Batch<'_>) -> Result<Totals, TrainError> {
        let share = self.settings.grpo.top_entropy_quantile;
        let sequences = batch.groups.iter().map(|group| group.completions.len()).sum();
        if share >= 1.0 {
            let counted =
                batch.groups.iter().zip(batch.counts).flat_map(|(g, counts)| g.completions.iter().zip(counts));
            let tokens = counted.filter(|(_, counts)| **counts).map(|(completion, _)| completion.len()).sum();
            return Ok(Totals::whole(sequences, tokens));
        }
        let mut entropies = Vec::new();
        for (group, counts) in batch.groups.iter().zip(batch.counts) {
            let scores = self.model.score(Some(adapter), group, batch.temperature)?;
            entropies.extend(scores.entropies.into_iter().zip(counts).filter(|(_, counts)| **counts).map(|(e, _)| e));
        }
        Ok(Totals::new(sequences, &entropies.iter().map(Vec::as_slice).collect::<Vec<_>>(), share))
    }
}

impl Batch<'_> {
    fn sequences<'s>(&'s self, group: usize, scores: &'s TokenScores) -> Vec<Sequence<'s>> {
        let sequence = |i: usize| Sequence {
            logprobs: &scores.logprobs[i],
            old: self.old.get(group).map(|old| old[i].as_slice()),
            reference: &self.reference[group][i],
            entropies: &scores.entropies[i],
            advantage: self.advantages[group][i],
            counts: self.counts[group][i],
        };
        (0..scores.logprobs.len()).map(sequence).collect()
    }
}
