//! Self-correction: what came of a query goes back to the model, which answers again.
//!
//! As in multi-turn training elsewhere, feedback is part of the sequence but not of what is learned: its tokens have no share in the loss
//! (`rl::update::given`), and the reward is that of the last reply.

mod feedback;
mod step;
mod talk;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use feedback::feedback;
use talk::Told;

pub use talk::{Earlier, Judged, Talk};

use super::TrainError;
use crate::{
    model::{Completion, GenerateRequest, Model},
    reward::Scored,
    run::event::ResultPreview,
};

/// How far correction goes.
#[derive(Clone, Copy)]
pub struct Corrector<'a> {
    /// The model whose replies are corrected.
    pub model: &'a Model,
    /// Replies to feedback, at most.
    pub turns: usize,
    /// Tokens of a reply, at most.
    pub answer: usize,
}

/// A reply to feedback.
pub struct Answer<'a> {
    /// Which conversation it belongs to.
    pub talk: usize,
    /// Its text.
    pub text: &'a str,
    /// Its tokens, without what went before.
    pub completion: &'a Completion,
}

/// Where replies to feedback come from, and who judges them.
pub trait Examiner<J> {
    /// A completion of each request, one by one; requests come with the number of their conversation, and without seed. `None` if
    /// broken off. `turn` counts from 1.
    ///
    /// # Errors
    /// The model fails.
    fn answer(
        &mut self,
        turn: usize,
        asked: Vec<(usize, GenerateRequest)>,
    ) -> Result<Option<Vec<Completion>>, TrainError>;

    /// What comes of these replies.
    fn judge(&mut self, answers: &[Answer<'_>]) -> Vec<J>;
}

impl Judged for Scored {
    fn result(&self) -> &ResultPreview {
        &self.result
    }
}

impl Corrector<'_> {
    /// Lets the model answer again where its query failed or returned nothing. A reply that was cut off gets no feedback, as it
    /// was not said to the end; nor does one where the model's context has no room for another.
    ///
    /// # Errors
    /// The model or its chat template fails.
    pub fn correct<J: Judged>(
        &self,
        talks: &mut [Talk<'_, J>],
        examiner: &mut dyn Examiner<J>,
    ) -> Result<ControlFlow<()>, TrainError> {
        for turn in 1..=self.turns {
            let open = self.open(talks, turn)?;
            if open.is_empty() {
                break;
            }
            let asked = open.iter().map(|(talk, told)| (*talk, talks[*talk].request(told))).collect();
            let Some(completions) = examiner.answer(turn, asked)? else { return Ok(ControlFlow::Break(())) };
            let texts: Vec<String> = completions.iter().map(|c| self.model.tokenizer.decode(&c.tokens)).collect();
            let answers = open.iter().zip(&texts).zip(&completions);
            let answers = answers.map(|(((talk, _), text), completion)| Answer { talk: *talk, text, completion });
            let judged = examiner.judge(&answers.collect::<Vec<_>>());
            for ((((talk, told), completion), text), judged) in open.into_iter().zip(completions).zip(texts).zip(judged)
            {
                talks[talk].go_on(told, completion, text, judged);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The conversations that go on with this turn, and what is told in them.
    fn open<J: Judged>(&self, talks: &[Talk<'_, J>], turn: usize) -> Result<Vec<(usize, Told)>, TrainError> {
        let mut open = Vec::new();
        for (at, talk) in talks.iter().enumerate() {
            // Who was not answered in the turn before is not answered now.
            let goes_on = talk.completion.finished && talk.earlier.len() + 1 == turn;
            let Some(feedback) = feedback(talk.judged.result()).filter(|_| goes_on) else { continue };
            open.extend(talk.told(self.model, feedback, self.answer)?.map(|told| (at, told)));
        }
        Ok(open)
    }
}
