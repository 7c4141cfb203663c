//! Group-relative policy optimisation.
//!
//! A batch is a list of groups: a prompt and its K ragged completions. No padded matrix exists anywhere.

pub mod ask;
mod bridge;
pub(crate) mod changes;
mod coefficients;
pub mod control;
pub mod correction;
pub mod engine;
pub mod error;
pub mod evaluation;
pub mod forecast;
mod gather;
mod ladder;
pub mod learner;
#[cfg(test)]
mod learning_tests;
pub mod loss;
pub mod optimizer;
#[cfg(test)]
mod orders_tests;
mod overlong;
pub mod policy;
pub mod questions;
mod reference;
pub mod rollout;
pub mod schedule;
pub mod seeds;
pub mod session;
pub mod setup;
pub(crate) mod step_memory;
pub mod step_metrics;
#[cfg(test)]
pub(crate) mod testing;
pub mod trainer;
#[cfg(test)]
mod trainer_tests;
pub mod update;
pub mod watch;

pub use error::TrainError;
