//! A question with the replies to it so far, and what the chat template puts between two of them.

use crate::{
    model::{ChatMessage, Completion, GenerateRequest, Model, Tokenizer},
    rl::{TrainError, questions::Prompt},
    run::event::ResultPreview,
};

/// Stands for a reply in a rendered conversation, so that what follows it can be told. Feedback has no such characters.
const REPLY: &str = "\u{e000}reply\u{e000}";

/// What is known of a reply's query.
pub trait Judged {
    /// What came of it.
    fn result(&self) -> &ResultPreview;
}

/// A reply that was answered with feedback.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier<J> {
    /// The reply.
    pub text: String,
    /// What came of it.
    pub judged: J,
    /// What the model was told.
    pub feedback: String,
}

/// A question with the replies to it so far.
#[derive(Debug)]
pub struct Talk<'a, J> {
    /// The question.
    pub prompt: &'a Prompt,
    /// All that followed the prompt.
    pub completion: Completion,
    /// The last reply.
    pub text: String,
    /// What came of it.
    pub judged: J,
    /// The replies before.
    pub earlier: Vec<Earlier<J>>,
}

/// What a model is told, as text and as the tokens from its reply to the beginning of its next one.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub feedback: String,
    pub tokens: Vec<u32>,
}

impl<'a, J> Talk<'a, J> {
    /// A question with a reply.
    pub fn new(prompt: &'a Prompt, completion: Completion, text: String, judged: J) -> Self {
        Self { prompt, completion, text, judged, earlier: Vec::new() }
    }

    /// The conversation with `feedback` behind it, if the model's context has room for that and a reply of `answer` tokens.
    pub(super) fn told(&self, model: &Model, feedback: String, answer: usize) -> Result<Option<Told>, TrainError> {
        let mut tokens = behind_reply(&model.tokenizer, &self.prompt.messages, &feedback)?;
        // A reply that ended by itself has its end already, unless its end was a fence.
        if tokens.first().is_some_and(|first| self.completion.tokens.last() == Some(first)) {
            tokens.remove(0);
        }
        let length = self.prompt.tokens.len() + self.completion.tokens.len() + tokens.len() + answer;
        Ok((length <= model.config.max_position_embeddings).then_some(Told { feedback, tokens }))
    }

    /// Asks for what follows. The seed is left open.
    pub(super) fn request(&self, told: &Told) -> GenerateRequest {
        GenerateRequest {
            prompt: [&self.prompt.tokens[..], &self.completion.tokens, &told.tokens].concat(),
            seeds: Vec::new(),
            constraint: self.prompt.constraint.clone(),
        }
    }

    pub(super) fn go_on(&mut self, told: Told, answer: Completion, text: String, judged: J) {
        let (text, judged) = (std::mem::replace(&mut self.text, text), std::mem::replace(&mut self.judged, judged));
        self.earlier.push(Earlier { text, judged, feedback: told.feedback });
        self.completion = std::mem::take(&mut self.completion).followed_by(&told.tokens, answer);
    }
}

/// What the chat template puts between a reply and the next one: the end of the turn, the feedback, the beginning of the answer.
fn behind_reply(tokenizer: &Tokenizer, asked: &[ChatMessage], feedback: &str) -> Result<Vec<u32>, TrainError> {
    let turns = [ChatMessage::assistant(REPLY), ChatMessage::user(feedback)];
    let messages: Vec<ChatMessage> = asked.iter().cloned().chain(turns).collect();
    let text = tokenizer.chat_prompt(&messages, true)?;
    let Some((_, behind)) = text.rsplit_once(REPLY) else {
        let why = "the model's chat template leaves out what the assistant wrote, so that nothing can be corrected";
        return Err(TrainError::Unusable(format!("{why}; set rollout.correction_turns to 0")));
    };
    Ok(tokenizer.encode(behind)?)
}
