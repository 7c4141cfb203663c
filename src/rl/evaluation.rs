//! Held-out evaluation: greedy replies to a fixed sample of questions.

use std::{ops::ControlFlow, time::Instant};

use super::{
    TrainError,
    advantage::mean,
    engine::fences,
    questions::{Prompt, held_out},
    seeds::{self, Stream},
    trainer::Trainer,
    watch::Watch,
};
use crate::{
    data::Example,
    model::{GenerateRequest, Sampling},
    reward::Scored,
    run::event::{EvalDone, Phase},
};

/// Questions whose replies are generated together.
const BATCH: usize = 8;

impl Trainer {
    /// Asks the held-out questions of `eval.questions`, greedily. `None` if `watch` broke it off, or if there are no questions.
    ///
    /// # Errors
    /// The model or a database's schema fails.
    pub fn evaluate(&mut self, watch: &mut dyn Watch) -> Result<Option<EvalDone>, TrainError> {
        let started = Instant::now();
        let seed = seeds::seed(self.settings.run.seed, Stream::HeldOut, [0; 3]);
        let questions = held_out(&self.dataset.dev, self.settings.eval.questions, seed);
        let (total, mut scored) = (questions.len() as u64, Vec::new());
        for batch in questions.chunks(BATCH) {
            if watch.progress(Phase::Evaluation, scored.len() as u64, total) == ControlFlow::Break(()) {
                return Ok(None);
            }
            let done = scored.len() as u64;
            let Some(more) =
                self.answer(batch, &mut |watch: &mut dyn Watch| watch.progress(Phase::Evaluation, done, total), watch)?
            else {
                return Ok(None);
            };
            scored.extend(more);
        }
        if scored.is_empty() {
            return Ok(None);
        }
        let (n, correct) = (scored.len(), scored.iter().filter(|s| s.correct).count());
        let accuracy = correct as f64 / n as f64;
        let progress = &mut self.policy.progress;
        let best = progress.note_evaluation(accuracy, self.settings.eval.every);
        Ok(Some(EvalDone {
            step: progress.step,
            n,
            correct,
            execution_accuracy: accuracy,
            wilson: wilson(correct, n),
            reward: mean(&scored.iter().map(|s| s.reward).collect::<Vec<_>>()),
            time: started.elapsed().as_secs_f64(),
            best,
        }))
    }

    pub(super) fn greedy(&self) -> Sampling {
        Sampling {
            temperature: 0.0,
            max_new_tokens: self.answer_length,
            stop_ids: self.model.tokenizer.eos_ids().to_vec(),
            fences: fences(&self.model, &self.settings),
            ..Sampling::default()
        }
    }

    /// Scored greedy replies to some questions. A question whose prompt is too long, or whose database cannot be read any more,
    /// counts as answered wrongly.
    fn answer(
        &self,
        questions: &[Example],
        tell: &mut dyn FnMut(&mut dyn Watch) -> ControlFlow<()>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Vec<Scored>>, TrainError> {
        let mut prompts: Vec<Option<Prompt>> = Vec::new();
        for example in questions {
            prompts.push(match self.asker.prompt(&self.model, example) {
                Err(TrainError::Data(error)) => {
                    tracing::warn!("{error}; a held-out question on it counts as answered wrongly");
                    None
                }
                prompt => prompt?,
            });
        }
        let request = |prompt: &Prompt| GenerateRequest {
            prompt: prompt.tokens.clone(),
            seeds: vec![0],
            constraint: prompt.constraint.clone(),
        };
        let requests: Vec<_> = prompts.iter().flatten().map(request).collect();
        let sampling = self.greedy();
        let generated =
            self.model.generate(Some(&self.policy.adapter), &requests, &sampling, &mut |_, _| tell(watch))?;
        let Some(generated) = generated else { return Ok(None) };
        let mut replies = generated
            .into_iter()
            .map(|c| c.first().map_or_else(String::new, |c| self.model.tokenizer.decode(&c.tokens)));
        let reply = |prompt: &Option<Prompt>| prompt.as_ref().and_then(|_| replies.next()).unwrap_or_default();
        let replies: Vec<String> = prompts.iter().map(reply).collect();
        let asked: Vec<_> = questions.iter().zip(replies.iter().map(String::as_str)).collect();
        Ok(Some(self.scorer.score_all(&asked)))
    }
}

/// Wilson's 95 % interval of a share (Wilson 1927).
pub fn wilson(correct: usize, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (n, z) = (n as f64, 1.959_964);
    let p = correct as f64 / n;
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_interval_is_the_published_one() {
        let [low, high] = wilson(15, 50);
        assert!((low - 0.1910).abs() < 1e-3 && (high - 0.4375).abs() < 1e-3, "{low} {high}");
        assert!(wilson(0, 10)[0].abs() < 1e-12 && wilson(0, 10)[1] > 0.2);
        assert!(wilson(10, 10)[0] > 0.6 && (wilson(10, 10)[1] - 1.0).abs() < 1e-12);
    }
}
