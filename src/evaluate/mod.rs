//! A model's answers to a whole file of questions: generated, judged, counted, explained, compared.
//!
//! The judgement is that of `sqlr1-tui score`: Spider's official evaluation, and beside it the numbers without its replacement of
//! `value` by `1`.

mod answer;
mod clauses;
pub mod compare;
mod error;
mod examinee;
mod failure;
pub(crate) mod markdown;
mod report;
mod session;
mod vote;

pub use answer::Answer;
pub use error::EvalError;
pub use examinee::{Decode, Examinee, Ran, Reply};
pub use failure::Failure;
pub use markdown::markdown;
pub use report::{About, Report, Score};
pub use session::{OnAnswers, Plan, Split, evaluate};
