//! From logits to a token: repetition penalty, temperature, top-k, top-p and min-p, in the order of transformers.
//!
//! The reported log-probability is that of softmax(logits / temperature) alone, the distribution that losses use; so it is where a
//! constraint leaves fewer tokens to choose from.

use std::sync::Arc;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::constraint::Guide;
use crate::model::{ModelError, ops::flex::softmax, tokenizer::Fences};

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Divisor of the logits; 0 takes the most probable token.
    pub temperature: f32,
    /// The smallest set of tokens with this much probability; 1 is off.
    pub top_p: f32,
    /// The so many most probable tokens; 0 is off.
    pub top_k: usize,
    /// Tokens at least so probable as this share of the most probable one's probability; 0 is off.
    pub min_p: f32,
    /// Divisor of positive logits (factor on negative ones) of tokens in prompt and completion; 1 is off.
    pub repetition_penalty: f32,
    /// Tokens after which a completion is cut off.
    pub max_new_tokens: usize,
    /// Tokens that end a completion.
    pub stop_ids: Vec<u32>,
    /// Code fences, where the one that closes the first ends a completion.
    pub fences: Option<Arc<Fences>>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            max_new_tokens: 64,
            stop_ids: vec![],
            fences: None,
        }
    }
}

/// Tokens drawn one by one before all that a constraint allows are looked for.
const TRIES: usize = 4;

/// A drawn token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Token id.
    pub id: u32,
    /// Its log-probability under softmax(logits / temperature).
    pub logprob: f32,
}

/// Checked sampling settings at work.
#[derive(Debug, Clone, Copy)]
pub struct Sampler<'a> {
    sampling: &'a Sampling,
}

impl<'a> Sampler<'a> {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ModelError::Compute`] naming the setting that is out of its range.
    pub fn new(sampling: &'a Sampling) -> Result<Self, ModelError> {
        let Sampling { temperature, top_p, min_p, repetition_penalty, .. } = *sampling;
        let checks = [
            ("temperature", temperature, temperature >= 0.0, "0 or more"),
            ("top_p", top_p, top_p > 0.0 && top_p <= 1.0, "above 0, at most 1"),
            ("min_p", min_p, (0.0..=1.0).contains(&min_p), "0 to 1"),
            ("repetition_penalty", repetition_penalty, repetition_penalty > 0.0, "above 0"),
        ];
        match checks.iter().find(|(_, value, good, _)| !(value.is_finite() && *good)) {
            Some((name, value, _, allowed)) => {
                Err(ModelError::Compute(format!("sampling: {name} is {value}; allowed is {allowed}")))
            }
            None => Ok(Self { sampling }),
        }
    }

    /// The length limit.
    pub fn max_new_tokens(self) -> usize {
        self.sampling.max_new_tokens
    }

    /// Whether the newest token of a completion ends it.
    pub fn stops(self, written: &[u32]) -> bool {
        let ends = written.last().is_some_and(|id| self.sampling.stop_ids.contains(id));
        ends || self.sampling.fences.as_ref().is_some_and(|fences| fences.closes(written))
    }

    /// Draws a token behind a prompt and what was written; one number of the random stream is used for each, whatever the settings, unless
    /// greedy. `guide` refuses tokens, and hears which one it became.
    pub fn choose(
        self,
        logits: &[f32],
        (prompt, written): (&[u32], &[u32]),
        random: &mut ChaCha8Rng,
        guide: Option<&mut Guide>,
    ) -> Result<Choice, ModelError> {
        let greedy = self.sampling.temperature == 0.0;
        let inverse = self.inverse_temperature();
        let penalized = self.penalized(logits, prompt, written);
        let seen = penalized.as_deref().unwrap_or(logits);
        let bits = if greedy { 0 } else { random.next_u64() };
        let (mut id, log_sum) = if greedy {
            (most_probable(seen), softmax::log_sum(logits, inverse))
        } else {
            let mut weights = Vec::new();
            let log_sum = softmax::exponentials(seen, inverse, &mut weights);
            let id = self.draw(&weights, point(bits));
            (id, if penalized.is_some() { softmax::log_sum(logits, inverse) } else { log_sum })
        };
        if let Some(guide) = guide {
            if !guide.allows(id) {
                id = self.choose_allowed(seen, id, bits, guide);
            }
            guide.push(id as u32);
        }
        let logprob = logits[id] * inverse - log_sum;
        if !logprob.is_finite() {
            return Err(ModelError::Compute(
                "the model's logits are not finite; its weights or adapter diverged".into(),
            ));
        }
        Ok(Choice { id: id as u32, logprob })
    }

    fn inverse_temperature(self) -> f32 {
        if self.sampling.temperature == 0.0 { 1.0 } else { 1.0 / self.sampling.temperature }
    }

    /// Draws again, without what was refused, until something is allowed: that follows the distribution of the allowed tokens. What was
    /// refused itself, where nothing is allowed.
    fn choose_allowed(self, seen: &[f32], refused: usize, bits: u64, guide: &mut Guide) -> usize {
        guide.refused += 1;
        // Given that the first draw was refused, its number says nothing about what these draw.
        let mut further = ChaCha8Rng::seed_from_u64(bits);
        let mut left = seen.to_vec();
        left[refused] = f32::NEG_INFINITY;
        for _ in 1..TRIES {
            let id = self.draw_from(&left, further.next_u64());
            if guide.allows(id) {
                return id;
            }
            left[id] = f32::NEG_INFINITY;
        }
        let mask = guide.mask().filter(|mask| !mask.is_empty());
        let Some(mask) = mask else {
            guide.stuck += 1;
            return refused;
        };
        for (id, logit) in left.iter_mut().enumerate() {
            if !mask.allows(id) {
                *logit = f32::NEG_INFINITY;
            }
        }
        self.draw_from(&left, further.next_u64())
    }

    /// A token by logits of which some are barred.
    fn draw_from(self, logits: &[f32], bits: u64) -> usize {
        if self.sampling.temperature == 0.0 {
            return most_probable(logits);
        }
        let mut weights = Vec::new();
        softmax::exponentials(logits, self.inverse_temperature(), &mut weights);
        for (weight, logit) in weights.iter_mut().zip(logits) {
            if *logit == f32::NEG_INFINITY {
                *weight = 0.0;
            }
        }
        self.draw(&weights, point(bits))
    }

    fn penalized(self, logits: &[f32], prompt: &[u32], written: &[u32]) -> Option<Vec<f32>> {
        let penalty = self.sampling.repetition_penalty;
        if (penalty - 1.0).abs() < f32::EPSILON {
            return None;
        }
        let mut penalized = logits.to_vec();
        for &id in prompt.iter().chain(written) {
            // From the original, so that a token counts once however often it occurs.
            let logit = logits[id as usize];
            penalized[id as usize] = if logit > 0.0 { logit / penalty } else { logit * penalty };
        }
        Some(penalized)
    }

    /// The token at `point` (0 to 1) of the filtered distribution; `weights` are proportional to probabilities.
    fn draw(self, weights: &[f32], point: f64) -> usize {
        let Sampling { top_p, top_k, min_p, .. } = *self.sampling;
        if top_p >= 1.0 && top_k == 0 && min_p <= 0.0 {
            return pick_among_all(weights, point);
        }
        let kept = self.filter(weights);
        pick(kept.iter().map(|&id| (id, weights[id])), point)
    }

    /// Ids that pass top-k, top-p and min-p, most probable first.
    fn filter(self, weights: &[f32]) -> Vec<usize> {
        let Sampling { top_p, top_k, min_p, .. } = *self.sampling;
        let descending = |a: &usize, b: &usize| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b));
        let mut ids: Vec<usize> = (0..weights.len()).collect();
        let limit = if top_k == 0 { ids.len() } else { top_k.min(ids.len()) };
        let total = |ids: &[usize]| ids.iter().map(|&id| f64::from(weights[id])).sum::<f64>();
        if limit < ids.len() {
            ids.select_nth_unstable_by(limit - 1, descending);
            ids.truncate(limit);
        }
        let goal = total(&ids) * f64::from(top_p);
        // The kept set is nearly always small: sorting a growing front beats sorting a whole vocabulary.
        let mut front = 256.min(ids.len());
        let count = loop {
            if front < ids.len() {
                ids.select_nth_unstable_by(front - 1, descending);
            }
            ids[..front].sort_unstable_by(descending);
            let mut sum = 0.0;
            let reached = ids[..front].iter().position(|&id| {
                sum += f64::from(weights[id]);
                sum >= goal
            });
            match reached {
                Some(last) => break last + 1,
                None if front == ids.len() => break front,
                None => front = (front * 16).min(ids.len()),
            }
        };
        let floor = weights[ids[0]] * min_p;
        ids.truncate(count);
        ids.truncate(ids.partition_point(|&id| weights[id] >= floor).max(1));
        ids
    }
}

/// 53 bits fill a double's mantissa: exact, in [0, 1).
fn point(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The item at `point` of the cumulated weights; the last one with weight if rounding leaves a rest.
fn pick(items: impl Iterator<Item = (usize, f32)> + Clone, point: f64) -> usize {
    let total: f64 = items.clone().map(|(_, weight)| f64::from(weight)).sum();
    walk(items, 0.0, point * total)
}

/// As [`pick`] for a whole vocabulary: whole blocks are passed over by their sums, which eight lanes add up.
fn pick_among_all(weights: &[f32], point: f64) -> usize {
    let sums: Vec<f64> = weights.chunks(PICK_BLOCK).map(block_sum).collect();
    let (goal, mut before) = (point * sums.iter().sum::<f64>(), 0.0);
    let mut last = 0;
    for (block, sum) in sums.iter().enumerate() {
        // The last block that has weight is the one, if rounding leaves a rest.
        if *sum > 0.0 {
            last = block;
            if before + sum > goal {
                break;
            }
            before += sum;
        }
    }
    let start = last * PICK_BLOCK;
    let block = &weights[start..(start + PICK_BLOCK).min(weights.len())];
    let before = sums[..last].iter().sum();
    walk((start..).zip(block.iter().copied()), before, goal)
}

/// Weights whose sum is taken at once.
const PICK_BLOCK: usize = 512;

fn block_sum(weights: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (chunks, rest) = weights.as_chunks::<8>();
    for chunk in chunks {
        for (lane, weight) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*weight);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|weight| f64::from(*weight)).sum::<f64>()
}

/// The first item with which the sum exceeds `goal`, else the last one with weight.
fn walk(items: impl Iterator<Item = (usize, f32)>, mut sum: f64, goal: f64) -> usize {
    let mut last = 0;
    for (id, weight) in items {
        if weight > 0.0 {
            sum += f64::from(weight);
            last = id;
            if sum > goal {
                break;
            }
        }
    }
    last
}

/// The first of the largest logits.
fn most_probable(logits: &[f32]) -> usize {
    logits.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (id, &l)| if l > best.1 { (id, l) } else { best }).0
}

#[cfg(test)]
mod tests;
