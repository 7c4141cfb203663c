//! The groups of a step, and the objective over some of them.

use std::ops::Range;

use super::{
    Lesson,
    given::{Given, Mask},
};
use crate::{
    model::{BackwardOptions, Lora, LoraGrads, PackedGroup, Recording, TokenGrads, TokenScores},
    rl::{
        TrainError,
        engine::{Engine, backward_options},
        loss::{LossStats, Objective, Sequence, Totals},
    },
    settings::LossType,
};

/// A step's groups and what the objective needs to know of them.
pub(super) struct Batch<'a> {
    pub groups: &'a [PackedGroup],
    advantages: &'a [Vec<f64>],
    counts: &'a [Vec<bool>],
    given: &'a [Vec<Given>],
    /// Log-probabilities under the reference of the tokens that the model wrote, by group.
    pub reference: Vec<Vec<Vec<f32>>>,
    /// Log-probabilities under the policy that wrote the completions, by group; `None` until that is known, which is before the
    /// policy has changed.
    pub old: Vec<Option<Vec<Vec<f32>>>>,
    pub objective: Objective,
    temperature: f32,
    options: BackwardOptions,
    /// Completions whose gradient is computed at the same time.
    per_pass: usize,
}

/// Value, statistics and gradient of the objective at one point.
pub(super) struct Evaluated {
    pub loss: f64,
    pub stats: LossStats,
    pub gradients: LoraGrads,
    /// Log-probabilities at this point, by group.
    pub scores: Vec<Vec<Vec<f32>>>,
}

impl<'a> Batch<'a> {
    pub fn new(engine: &Engine<'_>, lesson: &Lesson<'a>) -> Self {
        let (settings, coefficients) = (engine.settings, &engine.policy.progress.coefficients);
        let (grpo, length) = (&settings.grpo, settings.rollout.max_completion_length);
        let (beta, entropy_coef) = (coefficients.beta(grpo), coefficients.applied_entropy_coef(grpo));
        let memory = &settings.memory;
        Self {
            groups: lesson.groups,
            advantages: lesson.advantages,
            counts: lesson.counts,
            given: lesson.given,
            reference: Vec::with_capacity(lesson.groups.len()),
            old: vec![None; lesson.groups.len()],
            objective: Objective::new(grpo, beta, entropy_coef, length),
            temperature: settings.rollout.temperature as f32,
            options: backward_options(settings),
            per_pass: memory.completions_per_pass.unwrap_or(usize::MAX).max(1),
        }
    }

    /// A group's completions in the pieces whose gradient is computed at the same time.
    fn pieces(&self, group: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (all, size) = (self.groups[group].completions.len(), self.per_pass);
        (0..all).step_by(size.min(all.max(1))).map(move |start| start..all.min(start.saturating_add(size)))
    }

    /// The prompt with some of its completions.
    fn piece(&self, group: usize, range: Range<usize>) -> PackedGroup {
        let PackedGroup { prompt, completions } = &self.groups[group];
        PackedGroup { prompt: prompt.clone(), completions: completions[range].to_vec() }
    }

    /// Which tokens of the completions `range` of a group the model did not write.
    fn mask(&self, group: usize, range: Range<usize>) -> Mask<'a> {
        Mask(&self.given[group][range])
    }

    /// Tokens of a group's completions that count and that the model wrote.
    fn counted_tokens(&self, group: usize) -> usize {
        let completions = self.groups[group].completions.iter().zip(&self.given[group]).zip(&self.counts[group]);
        let written = |((completion, given), counts): ((&Vec<u32>, &Given), &bool)| {
            if *counts { completion.len() - given.iter().map(ExactSizeIterator::len).sum::<usize>() } else { 0 }
        };
        completions.map(written).sum()
    }

    /// The completions `range` of a group with their scores, which are of the tokens that the model wrote.
    fn sequences<'s>(&'s self, group: usize, range: Range<usize>, scores: &'s TokenScores) -> Vec<Sequence<'s>> {
        let sequence = |(at, i): (usize, usize)| Sequence {
            logprobs: &scores.logprobs[at],
            old: self.old[group].as_ref().map(|old| old[i].as_slice()),
            reference: &self.reference[group][i],
            entropies: &scores.entropies[at],
            advantage: self.advantages[group][i],
            counts: self.counts[group][i],
        };
        range.enumerate().map(sequence).collect()
    }
}

impl Engine<'_> {
    /// Log-probabilities and entropies of a group's completions, of the tokens that the model wrote.
    pub(super) fn score_group(
        &self,
        adapter: Option<&Lora>,
        batch: &Batch<'_>,
        group: usize,
    ) -> Result<TokenScores, TrainError> {
        let mut all = TokenScores { logprobs: Vec::new(), entropies: Vec::new() };
        for range in batch.pieces(group) {
            let scores = self.model.score(adapter, &batch.piece(group, range.clone()), batch.temperature)?;
            let scores = batch.mask(group, range).written(&scores).into_owned();
            all.logprobs.extend(scores.logprobs);
            all.entropies.extend(scores.entropies);
        }
        Ok(all)
    }

    /// The objective over the parts that make an update; `None` if broken off. `recordings` are those of its groups.
    pub(super) fn evaluate_objective(
        &self,
        adapter: &Lora,
        batch: &Batch<'_>,
        parts: &[Range<usize>],
        recordings: Vec<Option<Recording>>,
        tick: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Evaluated>, TrainError> {
        let mut at =
            Evaluated { loss: 0.0, stats: LossStats::default(), gradients: LoraGrads::of(adapter), scores: Vec::new() };
        let mut recordings = recordings.into_iter();
        for (part, totals) in parts.iter().zip(self.totals(adapter, batch, parts)?) {
            for group in part.clone() {
                if tick() {
                    return Ok(None);
                }
                self.add_group(adapter, batch, (group, totals), recordings.next().flatten(), &mut at)?;
            }
        }
        Ok(Some(at))
    }

    fn add_group(
        &self,
        adapter: &Lora,
        batch: &Batch<'_>,
        (group, totals): (usize, Totals),
        mut recording: Option<Recording>,
        at: &mut Evaluated,
    ) -> Result<(), TrainError> {
        let (temperature, options) = (batch.temperature, batch.options);
        let mut logprobs = Vec::new();
        for range in batch.pieces(group) {
            let Evaluated { loss, stats, gradients, .. } = at;
            let mask = batch.mask(group, range.clone());
            let mut objective = |scores: &TokenScores| {
                let written = mask.written(scores);
                let part = batch.objective.evaluate(&batch.sequences(group, range.clone(), &written), totals);
                *loss += part.loss;
                stats.merge(part.stats);
                mask.spread(TokenGrads { logprobs: part.gradient, entropies: part.entropy_gradient })
            };
            let whole = range.len() == batch.groups[group].completions.len();
            let scores = match recording.take().filter(|_| whole) {
                Some(recording) => {
                    let recorded = (&batch.groups[group], recording);
                    let chunk = options.head_chunk;
                    self.model.backward_recorded(adapter, recorded, temperature, chunk, &mut objective, gradients)?
                }
                None if whole => {
                    let group = &batch.groups[group];
                    self.model.backward(adapter, group, temperature, options, &mut objective, gradients)?
                }
                None => {
                    let piece = batch.piece(group, range.clone());
                    self.model.backward(adapter, &piece, temperature, options, &mut objective, gradients)?
                }
            };
            logprobs.extend(mask.written(&scores).into_owned().logprobs);
        }
        at.scores.push(logprobs);
        Ok(())
    }

    /// Sizes of what each part of an update is averaged over. TRL averages the parts' entropy bonuses, and with `bnpo` their
    /// losses; everything else is averaged over the update. Which tokens are uncertain shows only when all of a part are known:
    /// that takes a forward pass of its own.
    fn totals(&self, adapter: &Lora, batch: &Batch<'_>, parts: &[Range<usize>]) -> Result<Vec<Totals>, TrainError> {
        let share = self.settings.grpo.top_entropy_quantile;
        let mut totals = Vec::with_capacity(parts.len());
        for part in parts {
            let sequences = part.clone().map(|g| batch.groups[g].completions.len()).sum();
            totals.push(if share >= 1.0 {
                Totals::whole(sequences, part.clone().map(|g| batch.counted_tokens(g)).sum())
            } else {
                let mut entropies = Vec::new();
                for g in part.clone() {
                    let scores = self.score_group(Some(adapter), batch, g)?;
                    entropies.extend(scores.entropies.into_iter().zip(&batch.counts[g]).filter(|(_, c)| **c));
                }
                Totals::new(sequences, &entropies.iter().map(|(e, _)| e.as_slice()).collect::<Vec<_>>(), share)
            });
        }
        Ok(of_update(&totals, batch.objective.loss_type))
    }
}

/// The sizes of an update's parts, from those of each part alone.
fn of_update(parts: &[Totals], loss: LossType) -> Vec<Totals> {
    let (sequences, tokens) = (parts.iter().map(|t| t.sequences).sum(), parts.iter().map(|t| t.tokens).sum());
    let of_part = |part: &Totals| Totals {
        sequences,
        tokens: if loss == LossType::Bnpo { part.tokens * parts.len() } else { tokens },
        uncertain_tokens: part.uncertain_tokens * parts.len(),
        ..*part
    };
    parts.iter().map(of_part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trl_averages_by_part_depends_on_the_part() {
        let parts = [Totals::whole(8, 100), Totals::whole(8, 60)];
        let dapo = of_update(&parts, LossType::Dapo);
        assert_eq!(dapo.iter().map(|t| (t.sequences, t.tokens)).collect::<Vec<_>>(), [(16, 160), (16, 160)]);
        let bnpo = of_update(&parts, LossType::Bnpo);
        assert_eq!(bnpo.iter().map(|t| (t.sequences, t.tokens)).collect::<Vec<_>>(), [(16, 200), (16, 120)]);
        assert_eq!(of_update(&parts[..1], LossType::Bnpo), parts[..1]);
    }
}
