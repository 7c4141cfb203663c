//! Held-out evaluation: greedy replies to a fixed sample of questions.

use std::{ops::ControlFlow, time::Instant};

use super::{
    TrainError,
    correction::{Answer, Corrector, Examiner, Talk},
    engine::fences,
    questions::{Prompt, held_out},
    seeds::{self, Stream},
    trainer::Trainer,
    watch::Watch,
};
use crate::{
    data::Example,
    model::{Completion, GenerateRequest, Sampling},
    reward::Scored,
    reward::advantage::mean,
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
            let tell = &mut |_: usize, _: usize| watch.progress(Phase::Evaluation, done, total);
            let Some(more) = self.answer(batch, tell)? else { return Ok(None) };
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

    /// Scored greedy replies to some questions, the last ones where feedback was answered. A question whose prompt is too long, or
    /// whose database cannot be read any more, counts as answered wrongly.
    fn answer(
        &self,
        questions: &[Example],
        tell: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Scored>>, TrainError> {
        let prompts = self.held_out_prompts(questions)?;
        let asked: Vec<&Prompt> = prompts.iter().flatten().collect();
        let request = |prompt: &&Prompt| GenerateRequest {
            prompt: prompt.tokens.clone(),
            seeds: vec![0],
            constraint: prompt.constraint.clone(),
        };
        let mut greedy = Greedy { trainer: self, asked: &asked, sampling: self.greedy(), tell };
        let Some(completions) = greedy.complete(&asked.iter().map(request).collect::<Vec<_>>())? else {
            return Ok(None);
        };
        let texts: Vec<String> = completions.iter().map(|c| self.model.tokenizer.decode(&c.tokens)).collect();
        let replies: Vec<_> = asked.iter().map(|p| &p.example).zip(texts.iter().map(String::as_str)).collect();
        let scored = self.scorer.score_all(&replies);
        let replies = asked.iter().zip(completions).zip(texts).zip(scored);
        let mut talks: Vec<_> =
            replies.map(|(((prompt, completion), text), scored)| Talk::new(prompt, completion, text, scored)).collect();
        let turns = self.settings.rollout.correction_turns;
        let corrector = Corrector { model: &self.model, turns, answer: self.answer_length };
        if corrector.correct(&mut talks, &mut greedy)?.is_break() {
            return Ok(None);
        }
        let mut judged = talks.into_iter().map(|talk| talk.judged);
        let scored = |(question, prompt): (&Example, &Option<Prompt>)| {
            prompt.as_ref().and_then(|_| judged.next()).unwrap_or_else(|| self.scorer.score(question, ""))
        };
        Ok(Some(questions.iter().zip(&prompts).map(scored).collect()))
    }

    fn held_out_prompts(&self, questions: &[Example]) -> Result<Vec<Option<Prompt>>, TrainError> {
        let prompt = |example: &Example| match self.asker.prompt(&self.model, example) {
            Err(TrainError::Data(error)) => {
                tracing::warn!("{error}; a held-out question on it counts as answered wrongly");
                Ok(None)
            }
            prompt => prompt,
        };
        questions.iter().map(prompt).collect()
    }
}

/// Answers held-out questions.
struct Greedy<'a> {
    trainer: &'a Trainer,
    asked: &'a [&'a Prompt],
    sampling: Sampling,
    tell: &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>,
}

impl Greedy<'_> {
    fn complete(&mut self, requests: &[GenerateRequest]) -> Result<Option<Vec<Completion>>, TrainError> {
        let Trainer { model, policy, .. } = self.trainer;
        let completions = model.generate(Some(&policy.adapter), requests, &self.sampling, self.tell)?;
        Ok(completions.map(|completions| completions.into_iter().flatten().collect()))
    }
}

impl Examiner<Scored> for Greedy<'_> {
    fn answer(
        &mut self,
        _: usize,
        asked: Vec<(usize, GenerateRequest)>,
    ) -> Result<Option<Vec<Completion>>, TrainError> {
        let seeded = |(_, request)| GenerateRequest { seeds: vec![0], ..request };
        self.complete(&asked.into_iter().map(seeded).collect::<Vec<_>>())
    }

    fn judge(&mut self, answers: &[Answer<'_>]) -> Vec<Scored> {
        let asked = answers.iter().map(|answer| (&self.asked[answer.talk].example, answer.text));
        self.trainer.scorer.score_all(&asked.collect::<Vec<_>>())
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
