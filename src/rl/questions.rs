//! Which questions a step asks, and the prompts they become.

use crate::{
    data::{Cursor, Example, Order, Prompts},
    model::{ChatMessage, Model},
};

use super::TrainError;

/// A question as the model sees it.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The question.
    pub example: Example,
    /// The chat prompt's tokens.
    pub tokens: Vec<u32>,
}

/// Turns questions into prompts.
#[derive(Debug)]
pub struct Asker {
    schemas: Prompts,
    max_tokens: usize,
}

impl Asker {
    /// Prompts of at most `max_tokens` tokens.
    pub fn new(max_tokens: usize) -> Self {
        Self { schemas: Prompts::default(), max_tokens }
    }

    /// The prompt of a question; `None` if it is too long.
    ///
    /// # Errors
    /// The database cannot be read, or the chat template fails.
    pub fn prompt(&self, model: &Model, example: &Example) -> Result<Option<Prompt>, TrainError> {
        let message = ChatMessage::user(self.schemas.user_message(example)?);
        let tokens = model.tokenizer.encode(&model.tokenizer.chat_prompt(&[message], true)?)?;
        Ok((tokens.len() <= self.max_tokens).then(|| Prompt { example: example.clone(), tokens }))
    }

    /// The next `count` prompts after `cursor`, which moves on. Questions that are too long are passed over; how many is returned too.
    ///
    /// # Errors
    /// As [`Asker::prompt`]; or every question is too long.
    pub fn draw(
        &self,
        model: &Model,
        examples: &[Example],
        order: &mut Order,
        count: usize,
    ) -> Result<(Vec<Prompt>, usize), TrainError> {
        let (mut drawn, mut passed) = (Vec::with_capacity(count), 0);
        while drawn.len() < count {
            let index = order
                .next_index()
                .filter(|_| passed <= examples.len())
                .ok_or_else(|| self.nothing_fits(examples.len()))?;
            match self.prompt(model, &examples[index])? {
                Some(prompt) => drawn.push(prompt),
                None => passed += 1,
            }
        }
        Ok((drawn, passed))
    }

    fn nothing_fits(&self, questions: usize) -> TrainError {
        TrainError::Unusable(format!(
            "none of the {questions} training questions makes a prompt of at most data.max_prompt_tokens = {} tokens; raise it",
            self.max_tokens
        ))
    }
}

/// A fixed sample of `count` held-out questions, spread by the run's seed.
pub fn held_out(dev: &[Example], count: usize, seed: u64) -> Vec<Example> {
    let mut order = Order::new(dev.len(), seed, true, Cursor::default());
    let mut indices: Vec<usize> = (0..count.min(dev.len())).filter_map(|_| order.next_index()).collect();
    indices.sort_unstable();
    indices.into_iter().map(|i| dev[i].clone()).collect()
}
