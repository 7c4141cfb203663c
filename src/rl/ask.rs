//! A person's own question, answered by the base model and by the policy. Nothing of it touches what training computes with.

use std::{ops::ControlFlow, time::Instant};

use super::{TrainError, trainer::Trainer, watch::Watch};
use crate::{
    data::Example,
    model::{Completion, GenerateRequest},
    run::event::{Answer, Phase, Reply},
};

/// What became of a question.
#[derive(Debug)]
pub enum Asked {
    /// It is answered.
    Answered(Box<Answer>),
    /// It cannot be, and why.
    Refused(String),
}

impl Trainer {
    /// Lets the base model and the policy answer a question greedily, each under the run's template.
    ///
    /// # Errors
    /// The model fails.
    pub fn ask(&self, database: &str, question: &str, watch: &mut dyn Watch) -> Result<Asked, TrainError> {
        let started = Instant::now();
        let Some(example) = self.example(database, question) else {
            return Ok(Asked::Refused(format!("there is no database {database} among those of this run")));
        };
        let prompt = match self.asker.prompt(&self.model, &example) {
            Ok(Some(prompt)) => prompt,
            Ok(None) => {
                let most = self.settings.data.max_prompt_tokens;
                return Ok(Asked::Refused(format!("the prompt is longer than data.max_prompt_tokens = {most}")));
            }
            Err(TrainError::Data(error)) => return Ok(Asked::Refused(error.to_string())),
            Err(error) => return Err(error),
        };
        let request = [GenerateRequest { prompt: prompt.tokens, seeds: vec![0], constraint: prompt.constraint }];
        let (sampling, mut replies) = (self.greedy(), Vec::new());
        let most = 2 * sampling.max_new_tokens as u64;
        for adapter in [None, Some(&self.policy.adapter)] {
            let before = replies.len() as u64 * sampling.max_new_tokens as u64;
            let mut tell = |tokens: usize, _: usize| -> ControlFlow<()> {
                watch.progress(Phase::Evaluation, before + tokens as u64, most)
            };
            let generated = self.model.generate(adapter, &request, &sampling, &mut tell)?;
            let Some(completion) = generated.and_then(|all| all.into_iter().next()?.into_iter().next()) else {
                return Ok(Asked::Refused("the run is stopping".into()));
            };
            replies.push(self.reply(&example, &completion));
        }
        let (Some(policy), base) = (replies.pop(), replies.pop()) else {
            return Ok(Asked::Refused("no reply came".into()));
        };
        let (step, time) = (self.policy.progress.step, started.elapsed().as_secs_f64());
        let (db_id, question) = (example.db_id, example.question);
        Ok(Asked::Answered(Box::new(Answer { db_id, question, step, base, policy, time })))
    }

    fn example(&self, database: &str, question: &str) -> Option<Example> {
        let mut known = self.dataset.train.iter().chain(&self.dataset.dev);
        let known = known.find(|example| example.db_id == database)?;
        let (db_id, database) = (known.db_id.clone(), known.database.clone());
        Some(Example { db_id, database, question: question.to_owned(), ..Example::default() })
    }

    fn reply(&self, example: &Example, completion: &Completion) -> Reply {
        let text = self.model.tokenizer.decode(&completion.tokens);
        let (sql, result) = self.scorer.execute(example, &text);
        Reply { text, sql, result, tokens: completion.tokens.len(), finished: completion.finished }
    }
}
