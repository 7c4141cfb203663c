//! Which questions a step asks, and the prompts they become.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    data::{Cursor, Example, Order, Prompts},
    model::{ChatMessage, Constraint, Grammar, Model, Tokenizer},
    settings::Constrain,
    sql::prefix::Rules,
};

use super::TrainError;

/// Why a question is passed over whose prompt does not fit.
const TOO_LONG: &str = "questions whose prompts are longer than data.max_prompt_tokens are passed over";

/// A question as the model sees it.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The question.
    pub example: Example,
    /// The chat prompt's tokens.
    pub tokens: Vec<u32>,
    /// What is asked in it.
    pub messages: Vec<ChatMessage>,
    /// What replies have to keep to.
    pub constraint: Option<Constraint>,
}

/// Turns questions into prompts.
#[derive(Debug)]
pub struct Asker {
    prompts: Prompts,
    max_tokens: usize,
    constrain: Constrain,
    /// By database; what one reply has found out about a place in a query serves all.
    grammars: Mutex<HashMap<PathBuf, Arc<Grammar>>>,
}

/// The chat prompt of a question, up to where the assistant begins to write.
///
/// # Errors
/// The database cannot be read, or a template or the tokenizer fails.
pub fn prompt_tokens(tokenizer: &Tokenizer, prompts: &Prompts, example: &Example) -> Result<Vec<u32>, TrainError> {
    chat_tokens(tokenizer, &messages(tokenizer, prompts, example)?)
}

fn messages(tokenizer: &Tokenizer, prompts: &Prompts, example: &Example) -> Result<Vec<ChatMessage>, TrainError> {
    let text = prompts.within(example, &|text: &str| Ok::<_, TrainError>(tokenizer.encode(text)?.len()))?;
    Ok(text.system.map(ChatMessage::system).into_iter().chain([ChatMessage::user(text.user)]).collect())
}

fn chat_tokens(tokenizer: &Tokenizer, messages: &[ChatMessage]) -> Result<Vec<u32>, TrainError> {
    Ok(tokenizer.encode(&tokenizer.chat_prompt(messages, true)?)?)
}

impl Asker {
    /// Prompts of at most `max_tokens` tokens, whose replies are constrained so.
    pub fn new(prompts: Prompts, max_tokens: usize, constrain: Constrain) -> Self {
        Self { prompts, max_tokens, constrain, grammars: Mutex::default() }
    }

    /// Constrains replies so from now on.
    pub fn constrain(&mut self, constrain: Constrain) {
        if self.constrain != constrain {
            self.constrain = constrain;
            self.grammars = Mutex::default();
        }
    }

    /// The prompt of a question; `None` if it is too long.
    ///
    /// # Errors
    /// As [`prompt_tokens`].
    pub fn prompt(&self, model: &Model, example: &Example) -> Result<Option<Prompt>, TrainError> {
        let messages = messages(&model.tokenizer, &self.prompts, example)?;
        let tokens = chat_tokens(&model.tokenizer, &messages)?;
        if tokens.len() > self.max_tokens {
            return Ok(None);
        }
        let constraint = self.constraint(model, example, &messages)?;
        Ok(Some(Prompt { example: example.clone(), tokens, messages, constraint }))
    }

    fn constraint(
        &self,
        model: &Model,
        example: &Example,
        messages: &[ChatMessage],
    ) -> Result<Option<Constraint>, TrainError> {
        if self.constrain == Constrain::Off {
            return Ok(None);
        }
        let mut grammars = self.grammars.lock().unwrap_or_else(PoisonError::into_inner);
        let grammar = if let Some(grammar) = grammars.get(&example.database) {
            Arc::clone(grammar)
        } else {
            let names = (self.constrain == Constrain::Schema).then(|| self.prompts.names(&example.database));
            let rules = Rules { names: names.transpose()? };
            let grammar = Arc::new(Grammar::new(rules, Arc::clone(model.tokenizer.spellings())));
            grammars.insert(example.database.clone(), Arc::clone(&grammar));
            grammar
        };
        let prompt: String = messages.iter().map(|message| message.content.as_str()).collect();
        Ok(Some(Constraint::new(grammar, &prompt)))
    }

    /// The next `count` prompts in `order`, which moves on. Questions that are too long are passed over, and so are those whose
    /// database cannot be read any more; why is returned too.
    ///
    /// # Errors
    /// As [`Asker::prompt`], if that is not for want of a database; or no question is left.
    pub fn draw(
        &self,
        model: &Model,
        examples: &[Example],
        order: &mut Order,
        count: usize,
    ) -> Result<(Vec<Prompt>, BTreeSet<String>), TrainError> {
        let (mut drawn, mut passed, mut reasons) = (Vec::with_capacity(count), 0, BTreeSet::new());
        while drawn.len() < count {
            let next = order.next_index().filter(|_| passed <= examples.len());
            let index = next.ok_or_else(|| self.nothing_fits(examples.len(), &reasons))?;
            let example = &examples[index];
            let reason = match self.prompt(model, example) {
                // The prompt may come from a schema that was read long ago.
                Ok(Some(_)) if !example.database.is_file() => {
                    format!("the database {} is gone; the questions on it are passed over", example.database.display())
                }
                Ok(Some(prompt)) => {
                    drawn.push(prompt);
                    continue;
                }
                Ok(None) => TOO_LONG.to_owned(),
                Err(TrainError::Data(error)) => format!("{error}; the questions on it are passed over"),
                Err(error) => return Err(error),
            };
            reasons.insert(reason);
            passed += 1;
        }
        Ok((drawn, reasons))
    }

    fn nothing_fits(&self, questions: usize, reasons: &BTreeSet<String>) -> TrainError {
        let databases = reasons.iter().find(|&reason| reason != TOO_LONG);
        TrainError::Unusable(match databases {
            Some(reason) => format!("none of the {questions} training questions can be asked: {reason}"),
            None => format!(
                "none of the {questions} training questions makes a prompt of at most data.max_prompt_tokens = {} tokens; raise it",
                self.max_tokens
            ),
        })
    }
}

/// A fixed sample of `count` held-out questions, spread by the run's seed.
pub fn held_out(dev: &[Example], count: usize, seed: u64) -> Vec<Example> {
    let mut order = Order::new(dev.len(), seed, true, Cursor::default());
    let mut indices: Vec<usize> = (0..count.min(dev.len())).filter_map(|_| order.next_index()).collect();
    indices.sort_unstable();
    indices.into_iter().map(|i| dev[i].clone()).collect()
}
