//! A whole evaluation: questions in, judged answers out.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    time::{Duration, Instant},
};

use rayon::prelude::*;

use super::{
    Answer, EvalError, Examinee, Failure,
    answer::{Turn, one_line},
    examinee::{Decode, Ran, Reply},
    vote::vote,
};
use crate::{
    data::{self, DataError, Dataset, Example, Place},
    rl::{
        correction::Earlier,
        questions::held_out,
        seeds::{self, Stream},
    },
    settings::Settings,
    sql::{
        Sandbox, extract_sql,
        official::{ExecutionOptions, Judge},
    },
};

/// Replies that are generated together: a few times what the generator has room for at once.
const REPLIES_AT_A_TIME: usize = 128;

/// Time after which a sign of life is given.
const SILENCE: Duration = Duration::from_secs(15);

/// Which questions are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Split {
    /// Those of `data.dev_file`.
    #[default]
    Dev,
    /// Those of `data.train_file`.
    Train,
    /// Those of a file; a relative path is taken from the data folder.
    File(PathBuf),
}

/// What is to be evaluated, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Model, adapter, data, prompts, sampling, seed and limits of execution.
    pub settings: Settings,
    /// Which questions.
    pub split: Split,
    /// How many of them, spread by the seed as the held-out sample of a run is.
    pub limit: Option<usize>,
    /// How replies are decoded.
    pub decode: Decode,
    /// Tokens that a prompt may have, if fewer than the model can take.
    pub max_prompt_tokens: Option<usize>,
}

/// Hears answers some at a time, in the order of the questions, and how many there will be; an error ends the evaluation.
pub type OnAnswers<'a> = dyn FnMut(&[Answer], usize) -> Result<(), EvalError> + 'a;

/// Asks, judges in `sandbox`, and hands over the answers. Returns the seconds it took, loading aside.
///
/// # Errors
/// Model, data or settings are of no use, or `on_answers` fails.
pub fn evaluate(plan: &Plan, sandbox: &Sandbox, on_answers: &mut OnAnswers<'_>) -> Result<f64, EvalError> {
    let (questions, home) = questions(plan)?;
    let judge = Judge::with_or_without_tables(&home, sandbox.clone(), ExecutionOptions::default())?;
    let examinee = Examinee::load(&plan.settings, plan.decode, plan.max_prompt_tokens)?;
    let started = Instant::now();
    for batch in questions.chunks((REPLIES_AT_A_TIME / plan.decode.replies()).max(1)) {
        let mut told = Instant::now();
        let mut tell = |tokens: usize, active: usize| {
            if told.elapsed() >= SILENCE {
                told = Instant::now();
                tracing::info!(
                    "{tokens} tokens written for the next {} questions, {active} replies at work",
                    batch.len()
                );
            }
            ControlFlow::Continue(())
        };
        let Some(replies) = examinee.answer(batch, sandbox, &mut tell)? else { break };
        let judged = |(question, replies): (&Example, &Vec<Reply>)| answer(&judge, sandbox, question, replies);
        let answers: Vec<Answer> = batch.par_iter().zip(&replies).map(judged).collect();
        on_answers(&answers, questions.len())?;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// The questions, and the folder that has their databases.
fn questions(plan: &Plan) -> Result<(Vec<Example>, PathBuf), EvalError> {
    let mut data = plan.settings.data.clone();
    let split = match &plan.split {
        Split::Train => data::Split::Train,
        Split::Dev => data::Split::Dev,
        Split::File(file) => {
            data.dev_file = Some(file.clone());
            data::Split::Dev
        }
    };
    let (all, skipped) = Dataset::load_split(&data, split)?;
    for skipped in skipped {
        tracing::warn!("{skipped}");
    }
    let home = Place::find(data.root.as_deref().ok_or(DataError::NoRoot)?, split, split.file(&data))?.home;
    let seed = seeds::seed(plan.settings.run.seed, Stream::HeldOut, [0; 3]);
    Ok((held_out(&all, plan.limit.unwrap_or(usize::MAX), seed), home))
}

fn answer(judge: &Judge, sandbox: &Sandbox, question: &Example, replies: &[Reply]) -> Answer {
    let (chosen, votes) = if replies.len() > 1 {
        let (chosen, votes) = vote(sandbox, question, replies);
        (chosen, Some([votes, replies.len()]))
    } else {
        (0, None)
    };
    let reply = replies.get(chosen).cloned().unwrap_or_default();
    let sql = one_line(&extract_sql(&reply.text));
    let verdict = judge.verdict(&question.db_id, &question.gold_sql, &sql);
    let exact = |mark: bool| judge.has_tables().then_some(u8::from(mark));
    let (outcome, message) = (verdict.clean_outcome, verdict.message);
    let failure = (!verdict.clean.exec).then(|| Failure::of(&question.gold_sql, &sql, outcome, message.as_deref()));
    let turn = |earlier: Earlier<Ran>| turn(judge, question, earlier);
    Answer {
        turns: reply.earlier.into_iter().map(turn).collect(),
        index: question.id,
        db_id: question.db_id.clone(),
        hardness: verdict.hardness,
        question: question.question.clone(),
        gold_sql: question.gold_sql.clone(),
        sql,
        reply: reply.text,
        tokens: reply.tokens,
        finished: reply.finished,
        too_long: replies.is_empty(),
        votes,
        exec: u8::from(verdict.official.exec),
        exact: exact(verdict.official.exact),
        exec_clean: u8::from(verdict.clean.exec),
        exact_clean: exact(verdict.clean.exact),
        outcome: outcome.to_owned(),
        message,
        failure,
        gold_problem: verdict.gold_problem,
    }
}

/// A reply before the last one, judged as if it had been the answer.
fn turn(judge: &Judge, question: &Example, earlier: Earlier<Ran>) -> Turn {
    let Earlier { text, judged: Ran { sql, result }, feedback } = earlier;
    let sql = one_line(&sql);
    let exec = judge.verdict(&question.db_id, &question.gold_sql, &sql).official.exec;
    Turn { sql, reply: text, outcome: result.outcome, message: result.message, feedback, exec: u8::from(exec) }
}
