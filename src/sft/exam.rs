//! Held-out evaluation: greedy replies, executed and compared with gold.

use std::{ops::ControlFlow, path::Path, time::Instant};

use super::Pupil;
use crate::{
    data::{Example, Prompts},
    model::{Completion, GenerateRequest, ModelError, Sampling, Tokenizer},
    reward::{Scored, Scorer},
    rl::{
        TrainError,
        evaluation::wilson,
        questions::{held_out, prompt_tokens},
        rollout::candidate,
    },
    run::event::{EvalDone, GroupScored},
};

/// Questions whose replies are generated together: as many as the generator's batch has room for, a few times over.
const BATCH: usize = 128;

/// Questions with their prompts.
pub struct Exam {
    questions: Vec<(Example, GenerateRequest)>,
    max_new_tokens: usize,
}

/// Answers that are shown to people.
const SHOWN: usize = 8;

/// Answers right and in all, and the mean reward.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Questions asked.
    pub n: usize,
    /// Questions answered rightly.
    pub correct: usize,
    /// Mean total reward.
    pub reward: f64,
    /// Seconds taken.
    pub time: f64,
    /// The first few answers, at step 0.
    pub shown: Vec<GroupScored>,
}

impl Mark {
    /// `correct / n`.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.n.max(1) as f64
    }

    /// As an event after `step` steps; `best` is whether none before was as good.
    pub fn event(&self, step: u64, best: bool) -> EvalDone {
        EvalDone {
            step,
            n: self.n,
            correct: self.correct,
            execution_accuracy: self.accuracy(),
            wilson: wilson(self.correct, self.n),
            reward: self.reward,
            time: self.time,
            best,
        }
    }
}

impl Exam {
    /// A fixed sample of `count` questions; replies are cut off at `max_new_tokens`.
    ///
    /// # Errors
    /// A schema cannot be read, or the chat template or tokenizer fails.
    pub fn new(
        tokenizer: &Tokenizer,
        prompts: &Prompts,
        dev: &[Example],
        count: usize,
        seed: u64,
        max_new_tokens: usize,
    ) -> Result<Self, TrainError> {
        let ask = |example: Example| {
            let prompt = prompt_tokens(tokenizer, prompts, &example)?;
            Ok((example, GenerateRequest { prompt, seeds: vec![0], ..GenerateRequest::default() }))
        };
        let questions = held_out(dev, count, seed).into_iter().map(ask).collect::<Result<_, TrainError>>()?;
        Ok(Self { questions, max_new_tokens })
    }

    /// Number of questions.
    pub fn len(&self) -> usize {
        self.questions.len()
    }

    /// Whether there are no questions.
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    /// The file of a database that is asked about.
    pub fn database(&self, db_id: &str) -> Option<&Path> {
        let example = self.questions.iter().map(|(example, _)| example).find(|example| example.db_id == db_id);
        example.map(|example| example.database.as_path())
    }

    /// Examines a pupil. `on_progress` hears how many of how many questions are answered; `None` if it broke off.
    ///
    /// # Errors
    /// The model fails.
    pub fn examine(
        &self,
        pupil: &dyn Pupil,
        scorer: &Scorer,
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Mark>, ModelError> {
        let started = Instant::now();
        let sampling = Sampling {
            temperature: 0.0,
            max_new_tokens: self.max_new_tokens,
            stop_ids: pupil.tokenizer().eos_ids().to_vec(),
            ..Sampling::default()
        };
        let mut answers: Vec<Answer> = Vec::with_capacity(self.len());
        for batch in self.questions.chunks(BATCH) {
            let requests: Vec<GenerateRequest> = batch.iter().map(|(_, request)| request.clone()).collect();
            let done = answers.len();
            let replies = pupil.generate(&requests, &sampling, &mut |_, _| on_progress(done, self.len()))?;
            let Some(replies) = replies else { return Ok(None) };
            let replies = replies.into_iter().filter_map(|reply| reply.into_iter().next());
            let texts: Vec<_> = replies.map(|reply| (pupil.tokenizer().decode(&reply.tokens), reply)).collect();
            let asked: Vec<_> = batch.iter().zip(&texts).map(|((example, _), (text, _))| (example, &**text)).collect();
            let judged = scorer.score_all(&asked);
            let answer = |((text, completion), scored)| Answer { text, completion, scored };
            answers.extend(texts.into_iter().zip(judged).map(answer));
        }
        let (n, correct) = (answers.len(), answers.iter().filter(|a| a.scored.correct).count());
        let reward = answers.iter().map(|a| a.scored.reward).sum::<f64>() / n.max(1) as f64;
        let shown = self.questions.iter().zip(answers).take(SHOWN).enumerate();
        let shown =
            shown.map(|(index, ((example, _), answer))| answer.describe(index, example, scorer, pupil)).collect();
        Ok(Some(Mark { n, correct, reward, time: started.elapsed().as_secs_f64(), shown }))
    }
}

/// A judged reply.
struct Answer {
    text: String,
    completion: Completion,
    scored: Scored,
}

impl Answer {
    fn describe(self, group: usize, example: &Example, scorer: &Scorer, pupil: &dyn Pupil) -> GroupScored {
        let spellings = pupil.tokenizer().spellings();
        GroupScored {
            step: 0,
            group,
            question_id: example.id,
            db_id: example.db_id.clone(),
            question: example.question.clone(),
            gold_sql: example.gold_sql.clone(),
            gold: scorer.gold(example),
            candidates: vec![candidate(self.text, &self.completion, self.scored, 0.0, spellings)],
        }
    }
}
