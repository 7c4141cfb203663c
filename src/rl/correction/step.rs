//! Self-correction within a training step.

use std::time::Instant;

use super::{Answer, Corrector, Examiner, Talk};
use crate::{
    model::{Completion, GenerateRequest, Recording},
    reward::Scored,
    rl::{
        TrainError,
        overlong::Overlong,
        rollout::Rollout,
        seeds::{self, Stream},
        trainer::Trainer,
        watch::Watch,
    },
    run::profile::Work,
};

/// The trainer at the replies of a rollout.
struct AtWork<'a> {
    trainer: &'a Trainer,
    step: u64,
    /// The question of each conversation in the rollout, and its number among the question's replies.
    places: Vec<(usize, usize)>,
    /// The group's number of the first question.
    first: usize,
    rollouts: &'a [Rollout],
    watch: &'a mut dyn Watch,
    /// Seconds of generating, and of scoring.
    seconds: &'a mut [f64; 2],
}

impl Trainer {
    /// Lets the model answer again where its query failed or returned nothing, up to `rollout.correction_turns` times. What was
    /// recorded of a question with such an answer is dropped, since it has nothing of the answer. `None` if broken off.
    ///
    /// # Errors
    /// The model or its chat template fails.
    pub(in crate::rl) fn correct(
        &self,
        (step, first): (u64, usize),
        mut rollouts: Vec<Rollout>,
        recordings: &mut [Option<Recording>],
        seconds: &mut [f64; 2],
        watch: &mut dyn Watch,
    ) -> Result<Option<Vec<Rollout>>, TrainError> {
        let rollout = &self.settings.rollout;
        if rollout.correction_turns == 0 {
            return Ok(Some(rollouts));
        }
        let parts: Vec<_> = rollouts.iter_mut().map(take_replies).collect();
        let mut talks: Vec<Talk<'_, Scored>> = Vec::new();
        let mut places = Vec::new();
        for (at, (rollout, replies)) in rollouts.iter().zip(parts).enumerate() {
            for (sample, (completion, text, scored)) in replies.into_iter().enumerate() {
                talks.push(Talk::new(&rollout.prompt, completion, text, scored));
                places.push((at, sample));
            }
        }
        let corrector =
            Corrector { model: &self.model, turns: rollout.correction_turns, answer: rollout.max_completion_length };
        let mut at_work = AtWork { trainer: self, step, places, first, rollouts: &rollouts, watch, seconds };
        if corrector.correct(&mut talks, &mut at_work)?.is_break() {
            return Ok(None);
        }
        let places = at_work.places;
        let ended: Vec<_> = talks.into_iter().map(|t| (t.completion, t.text, t.judged, t.earlier)).collect();
        for ((at, _), (completion, text, scored, earlier)) in places.into_iter().zip(ended) {
            if !earlier.is_empty() {
                recordings[at] = None;
            }
            let rollout = &mut rollouts[at];
            rollout.completions.push(completion);
            rollout.texts.push(text);
            rollout.scored.push(scored);
            rollout.earlier.push(earlier);
        }
        Ok(Some(rollouts))
    }
}

/// A question's replies, taken out of it.
fn take_replies(rollout: &mut Rollout) -> Vec<(Completion, String, Scored)> {
    rollout.earlier.clear();
    let (completions, texts) = (std::mem::take(&mut rollout.completions), std::mem::take(&mut rollout.texts));
    let scored = std::mem::take(&mut rollout.scored);
    completions.into_iter().zip(texts).zip(scored).map(|((c, t), s)| (c, t, s)).collect()
}

impl Examiner<Scored> for AtWork<'_> {
    fn answer(
        &mut self,
        turn: usize,
        asked: Vec<(usize, GenerateRequest)>,
    ) -> Result<Option<Vec<Completion>>, TrainError> {
        let started = Instant::now();
        self.watch.enter(Work::Rollout);
        let run = self.trainer.settings.run.seed;
        let seeded = |(talk, request): (usize, GenerateRequest)| {
            let (at, sample) = self.places[talk];
            let place = [self.step, (self.first + at) as u64, sample as u64, turn as u64];
            GenerateRequest { seeds: vec![seeds::seed(run, Stream::Correction, place)], ..request }
        };
        let requests: Vec<GenerateRequest> = asked.into_iter().map(seeded).collect();
        let answers = self.trainer.engine().answer(&requests, self.watch);
        self.seconds[0] += started.elapsed().as_secs_f64();
        answers
    }

    fn judge(&mut self, answers: &[Answer<'_>]) -> Vec<Scored> {
        let started = Instant::now();
        self.watch.enter(Work::Reward);
        let example = |answer: &Answer<'_>| &self.rollouts[self.places[answer.talk].0].prompt.example;
        let asked: Vec<_> = answers.iter().map(|answer| (example(answer), answer.text)).collect();
        let mut scored = self.trainer.scorer.score_all(&asked);
        if let Some(overlong) = Overlong::of(&self.trainer.settings) {
            for (scored, answer) in scored.iter_mut().zip(answers) {
                overlong.charge(answer.completion.tokens.len(), scored);
            }
        }
        self.seconds[1] += started.elapsed().as_secs_f64();
        scored
    }
}
