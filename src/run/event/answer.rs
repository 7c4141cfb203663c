//! Answers to a person's own question.

use serde::{Deserialize, Serialize};

use super::ResultPreview;

/// What the base model and the policy in training answer to a question, both greedily.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The database that it was asked of.
    pub db_id: String,
    /// The question.
    pub question: String,
    /// Steps trained by then.
    pub step: u64,
    /// The base model's answer; none where the whole model is in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Reply>,
    /// The policy's.
    pub policy: Reply,
    /// Seconds taken for both.
    pub time: f64,
}

/// A reply with what came of executing it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The reply as the model wrote it.
    pub text: String,
    /// The SQL taken out of it; empty if there is none.
    pub sql: String,
    /// What came of executing it.
    pub result: ResultPreview,
    /// Tokens written.
    pub tokens: usize,
    /// Whether it ended by itself rather than at `max_completion_length`.
    pub finished: bool,
}
