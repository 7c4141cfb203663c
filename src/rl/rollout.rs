//! Completions of a step's questions, and their judgement.

use std::ops::ControlFlow;

use super::{
    TrainError,
    correction::Earlier,
    engine::{Asked, Completed},
    overlong::Overlong,
    questions::Prompt,
    trainer::Trainer,
    update::Given,
    watch::Watch,
};
use crate::{
    model::{Completion, PackedGroup, Recording, Spellings},
    reward::Scored,
    run::{
        event::{Candidate, EarlierTurn, GroupScored, Phase, ResultPreview},
        trace,
    },
};

/// Groups scored between two looks at whether to go on.
const GROUPS_AT_ONCE: usize = 8;

/// A completion with its judgement, as events have it. There is none before it.
pub(crate) fn candidate(
    text: String,
    completion: &Completion,
    scored: Scored,
    advantage: f64,
    spellings: &Spellings,
) -> Candidate {
    Candidate {
        sql: scored.sql,
        reward: scored.reward,
        components: scored.components,
        advantage,
        correct: scored.correct,
        result: scored.result,
        tokens: completion.written(),
        finished: completion.finished,
        turns: Vec::new(),
        trace: traced(&text, completion, spellings),
        text,
    }
}

fn turn(Earlier { text, judged: Scored { sql, correct, result, .. }, feedback }: Earlier<Scored>) -> EarlierTurn {
    EarlierTurn { text, sql, correct, result, feedback }
}

/// How probable each token of a completion's last reply was; empty where the tokens do not spell it byte for byte.
fn traced(text: &str, completion: &Completion, spellings: &Spellings) -> String {
    let (mut left, mut first) = (text.len(), completion.tokens.len());
    while let (Some(before), true) = (first.checked_sub(1), left > 0) {
        left = left.saturating_sub(spellings.bytes(completion.tokens[before]).len());
        first = before;
    }
    let spelt = || completion.tokens[first..].iter().map(|&id| spellings.bytes(id));
    if !spelt().flatten().eq(text.as_bytes()) {
        return String::new();
    }
    // What a model was told between its turns has no probabilities: they are counted from the end, as the tokens are.
    let known = completion.logprobs.len().saturating_sub(completion.tokens.len() - first);
    trace::encode(spelt().map(<[u8]>::len).zip(completion.logprobs[known..].iter().copied()))
}

/// A prompt with its completions and their judgement.
#[derive(Debug)]
pub struct Rollout {
    /// The question.
    pub prompt: Prompt,
    /// The replies as text, the last ones where feedback was answered.
    pub texts: Vec<String>,
    /// All that followed the prompt, as tokens.
    pub completions: Vec<Completion>,
    /// The judgement of the last replies.
    pub scored: Vec<Scored>,
    /// The replies before each of them.
    pub earlier: Vec<Vec<Earlier<Scored>>>,
}

impl Rollout {
    /// Tokens that the model wrote.
    pub fn completion_tokens(&self) -> usize {
        self.completions.iter().map(Completion::written).sum()
    }

    /// As TRL's `num_tokens` counts: the prompt once for every completion, and all that follows it.
    pub fn tokens(&self) -> usize {
        self.completions.iter().map(|completion| self.prompt.tokens.len() + completion.tokens.len()).sum()
    }

    /// The total reward of each reply.
    pub fn rewards(&self) -> Vec<f64> {
        self.scored.iter().map(|scored| scored.reward).collect()
    }

    /// Replies that are right.
    pub fn solved(&self) -> usize {
        self.scored.iter().filter(|scored| scored.correct).count()
    }

    /// Whether some replies are right and some are wrong.
    pub fn is_undecided(&self) -> bool {
        (1..self.scored.len()).contains(&self.solved())
    }

    /// Which completions count: those that were cut off do not, if that is asked for.
    pub fn counts(&self, mask_truncated: bool) -> Vec<bool> {
        self.completions.iter().map(|completion| completion.finished || !mask_truncated).collect()
    }

    /// Which tokens of the completions the model did not write.
    pub fn given(&self) -> Vec<Given> {
        self.completions.iter().map(|completion| completion.given.clone()).collect()
    }

    /// As one packed sequence.
    pub fn packed(&self) -> PackedGroup {
        PackedGroup {
            prompt: self.prompt.tokens.clone(),
            completions: self.completions.iter().map(|c| c.tokens.clone()).collect(),
        }
    }

    /// As an event.
    pub fn describe(
        self,
        step: u64,
        group: usize,
        gold: ResultPreview,
        advantages: &[f64],
        spellings: &Spellings,
    ) -> GroupScored {
        let example = self.prompt.example;
        let replies = self.texts.into_iter().zip(self.completions).zip(self.scored).zip(advantages).zip(self.earlier);
        let candidates = replies.map(|((((text, completion), scored), advantage), earlier)| Candidate {
            turns: earlier.into_iter().map(turn).collect(),
            ..candidate(text, &completion, scored, *advantage, spellings)
        });
        GroupScored {
            step,
            group,
            question_id: example.id,
            db_id: example.db_id,
            question: example.question,
            gold_sql: example.gold_sql,
            gold,
            candidates: candidates.collect(),
        }
    }
}

/// A step's rollouts, and what was recorded of them for the update.
pub(super) type RolledOut = (Vec<Rollout>, Vec<Option<Recording>>);

impl Trainer {
    /// K completions of each prompt, and what was recorded for the update; `None` if broken off. `first` is the first group's number.
    pub(super) fn roll_out(
        &self,
        step: u64,
        first: usize,
        prompts: Vec<Prompt>,
        watch: &mut dyn Watch,
    ) -> Result<Option<RolledOut>, TrainError> {
        let asked: Vec<Asked<'_>> = prompts.iter().map(Asked::from).collect();
        let completed = self.engine().complete(step, first, &asked, watch)?;
        let Some(Completed { completions, recordings }) = completed else { return Ok(None) };
        let pair = |(prompt, completions): (Prompt, Vec<Completion>)| Rollout {
            texts: completions.iter().map(|c| self.model.tokenizer.decode(&c.tokens)).collect(),
            prompt,
            earlier: vec![Vec::new(); completions.len()],
            completions,
            scored: Vec::new(),
        };
        Ok(Some((prompts.into_iter().zip(completions).map(pair).collect(), recordings)))
    }

    /// Scores all completions; `None` if broken off.
    pub(super) fn score(&self, mut rollouts: Vec<Rollout>, watch: &mut dyn Watch) -> Option<Vec<Rollout>> {
        let (mut done, total) = (0, rollouts.len() as u64);
        let overlong = Overlong::of(&self.settings);
        for some in rollouts.chunks_mut(GROUPS_AT_ONCE) {
            if watch.progress(Phase::Scoring, done, total) == ControlFlow::Break(()) {
                return None;
            }
            let asked = some.iter().flat_map(|r| r.texts.iter().map(|text| (&r.prompt.example, text.as_str())));
            let mut scored = self.scorer.score_all(&asked.collect::<Vec<_>>()).into_iter();
            for rollout in some.iter_mut() {
                rollout.scored = scored.by_ref().take(rollout.texts.len()).collect();
                for (scored, completion) in rollout.scored.iter_mut().zip(&rollout.completions) {
                    if let Some(overlong) = &overlong {
                        overlong.charge(completion.tokens.len(), scored);
                    }
                }
            }
            done += some.len() as u64;
        }
        Some(rollouts)
    }
}
