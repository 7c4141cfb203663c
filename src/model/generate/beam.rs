//! Beam search: the few most probable beginnings are kept at each step.

use super::{
    Completion, ProgressFn,
    batch::SLOTS,
    cache::CacheShape,
    constraint::{Constraint, Guide},
    stream::{Newest, Stream},
};
use crate::model::{AdapterSet, Decoder, Lora, Model, ModelError, PackedGroup, ops::flex::softmax};

/// How a beam search goes.
#[derive(Debug, Clone, Default)]
pub struct Beams {
    /// Beginnings kept at each step, 1 to [`Beams::MOST`]; one is greedy decoding.
    pub width: usize,
    /// Tokens after which a completion is cut off.
    pub max_new_tokens: usize,
    /// Tokens that end a completion.
    pub stop_ids: Vec<u32>,
    /// What completions have to keep to.
    pub constraint: Option<Constraint>,
}

impl Beams {
    /// The widest search: as many sequences as are written at a time.
    pub const MOST: usize = SLOTS;
}

/// A beginning.
#[derive(Debug, Clone, Default)]
struct Beam {
    completion: Completion,
    /// Sum of the log-probabilities.
    score: f64,
    slot: usize,
    guide: Option<Guide>,
}

impl Beam {
    /// The ids of the `count` largest logits among the tokens that are allowed; among all, if none is.
    fn best_tokens(&self, row: &[f32], count: usize) -> Vec<usize> {
        let Some(guide) = &self.guide else { return most_probable(row, count) };
        if !guide.is_in_query() {
            // A token may begin a query as well as go on with prose.
            let free = most_probable(row, count);
            if free.iter().all(|&id| guide.allows(id)) {
                return free;
            }
        }
        let Some(mask) = guide.mask().filter(|mask| !mask.is_empty()) else { return most_probable(row, count) };
        let barred = |(id, logit): (usize, &f32)| if mask.allows(id) { *logit } else { f32::NEG_INFINITY };
        let row: Vec<f32> = row.iter().enumerate().map(barred).collect();
        let mut ids = most_probable(&row, count);
        ids.retain(|&id| row[id] > f32::NEG_INFINITY);
        ids
    }
}

/// A way to go on: which beam, which token, its log-probability, and the sum with it.
type Step = (usize, u32, f32, f64);

impl Decoder<'_> {
    /// The completions of one prompt found by beam search, the best first: that of the highest mean log-probability of its tokens. The
    /// search ends when `width` completions have ended, or at the length limit. `None` if `on_progress` broke off.
    ///
    /// # Errors
    /// [`ModelError::Compute`] for an empty prompt, ids outside the vocabulary, an impossible width, or logits that are not finite.
    pub fn beam_search(
        &self,
        adapters: Option<&AdapterSet>,
        prompt: &[u32],
        beams: &Beams,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Completion>>, ModelError> {
        PackedGroup { prompt: prompt.to_vec(), completions: vec![] }.check(self.config.vocab_size)?;
        if !(1..=Beams::MOST).contains(&beams.width) {
            let message = format!("beam search: the width is {}; allowed is 1 to {}", beams.width, Beams::MOST);
            return Err(ModelError::Compute(message));
        }
        let slot_rows = beams.max_new_tokens.saturating_sub(1);
        let shape = CacheShape { regions: 1, region_rows: prompt.len(), slots: beams.width, slot_rows };
        let mut search = Search { stream: Stream::new(*self, adapters, shape), beams, ended: Vec::new() };
        let mut active = Vec::new();
        for length in 0..beams.max_new_tokens {
            active = rayon::scope(|_| search.step(active, prompt, length))?;
            if on_progress((length + 1) * beams.width, active.len()).is_break() {
                return Ok(None);
            }
            if active.is_empty() || search.ended.len() >= beams.width {
                break;
            }
        }
        Ok(Some(search.best(active)))
    }
}

struct Search<'a> {
    stream: Stream<'a>,
    beams: &'a Beams,
    ended: Vec<Beam>,
}

impl Search<'_> {
    /// Goes on by one token from beams that have `length` tokens; from none, behind the prompt.
    fn step(&mut self, active: Vec<Beam>, prompt: &[u32], length: usize) -> Result<Vec<Beam>, ModelError> {
        let logits = if active.is_empty() {
            self.stream.prefill(0, prompt)?.logits
        } else {
            let newest = active.iter().filter_map(|beam| {
                let token = *beam.completion.tokens.last()?;
                Some(Newest { token, region: 0, prompt: prompt.len(), slot: beam.slot, own: length - 1 })
            });
            self.stream.advance(&newest.collect::<Vec<_>>())?.logits
        };
        let first = || Beam { guide: self.beams.constraint.as_ref().map(Constraint::guide), ..Beam::default() };
        let active = if active.is_empty() { vec![first()] } else { active };
        let steps = self.best_steps(&active, &logits)?;
        Ok(self.take(&active, &steps, length))
    }

    /// The most probable ways to go on from all beams together, the best first: twice as many as beams, so that enough are left when half of
    /// them end.
    fn best_steps(&self, active: &[Beam], logits: &[f32]) -> Result<Vec<Step>, ModelError> {
        let count = 2 * self.beams.width;
        let mut steps: Vec<Step> = Vec::with_capacity(active.len() * count);
        let rows = logits.chunks_exact(self.stream.vocab_size());
        for (from, (beam, row)) in active.iter().zip(rows).enumerate() {
            let log_sum = softmax::log_sum(row, 1.0);
            if !log_sum.is_finite() {
                let message = "the model's logits are not finite; its weights or adapter diverged";
                return Err(ModelError::Compute(message.into()));
            }
            for id in beam.best_tokens(row, count) {
                let logprob = row[id] - log_sum;
                steps.push((from, id as u32, logprob, beam.score + f64::from(logprob)));
            }
        }
        steps.sort_by(|a, b| b.3.total_cmp(&a.3));
        steps.truncate(count);
        Ok(steps)
    }

    /// Ends the beams whose step is a stop token among the best `width`, and lets as many others live. A beam's first successor keeps its
    /// slot, others get copies.
    fn take(&mut self, active: &[Beam], steps: &[Step], length: usize) -> Vec<Beam> {
        let mut next: Vec<(usize, Beam)> = Vec::with_capacity(self.beams.width);
        for (rank, &(from, token, logprob, score)) in steps.iter().enumerate() {
            let ends = self.beams.stop_ids.contains(&token);
            if next.len() == self.beams.width || (ends && rank >= self.beams.width) {
                continue;
            }
            let mut beam = Beam { score, ..active[from].clone() };
            beam.completion.tokens.push(token);
            beam.completion.logprobs.push(logprob);
            beam.completion.finished = ends;
            if let Some(guide) = &mut beam.guide {
                guide.push(token);
            }
            if ends {
                self.ended.push(beam);
            } else {
                next.push((from, beam));
            }
        }
        let parents: Vec<usize> = next.iter().map(|(from, _)| active[*from].slot).collect();
        let mut free = (0..self.beams.width).filter(|slot| !parents.contains(slot)).collect::<Vec<_>>();
        let mut kept = Vec::new();
        for (from, beam) in &mut next {
            let parent = active[*from].slot;
            if kept.contains(&parent) {
                // There are as many slots as beams, so each further successor finds one that nobody reads any more.
                beam.slot = free.pop().unwrap_or(parent);
                self.stream.fork(parent, beam.slot, length);
            }
            kept.push(parent);
        }
        next.into_iter().map(|(_, beam)| beam).collect()
    }

    /// What ended, and what was cut off where too little ended; the best first.
    fn best(self, active: Vec<Beam>) -> Vec<Completion> {
        let mut all = self.ended;
        if all.len() < self.beams.width {
            all.extend(active);
        }
        let mean = |beam: &Beam| beam.score / beam.completion.tokens.len().max(1) as f64;
        all.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        all.truncate(self.beams.width);
        all.into_iter().map(|beam| beam.completion).collect()
    }
}

/// The ids of the `count` largest logits, the largest first; of equal ones the first.
fn most_probable(logits: &[f32], count: usize) -> Vec<usize> {
    let descending = |a: &usize, b: &usize| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b));
    let mut ids: Vec<usize> = (0..logits.len()).collect();
    let count = count.min(ids.len());
    if count < ids.len() {
        ids.select_nth_unstable_by(count, descending);
    }
    ids.truncate(count);
    ids.sort_unstable_by(descending);
    ids
}

impl Model {
    /// As [`Decoder::beam_search`].
    ///
    /// # Errors
    /// As [`Decoder::beam_search`], and for an adapter that does not fit.
    pub fn beam_search(
        &self,
        lora: Option<&Lora>,
        prompt: &[u32],
        beams: &Beams,
        on_progress: &mut ProgressFn<'_>,
    ) -> Result<Option<Vec<Completion>>, ModelError> {
        let adapters = lora.map(|lora| AdapterSet::from_lora(&self.config, lora)).transpose()?;
        self.decoder().beam_search(adapters.as_ref(), prompt, beams, on_progress)
    }
}

#[cfg(test)]
mod tests;
