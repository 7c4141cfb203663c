//! SQL: execution within limits, comparison of results, and the query taken out of a model's reply.

pub mod bird;
mod classify;
mod compare;
mod connection;
mod deadline;
mod execute;
mod extract;
mod guard;
mod hooks;
mod layout;
mod log;
mod loose;
mod memory;
mod normalize;
pub mod official;
mod outcome;
mod permute;
mod python;
mod request;
mod sandbox;
pub mod scan;
mod tally;
mod value;
pub mod worker;

pub use compare::results_equal;
pub use extract::extract_sql;
pub use layout::{database_file, database_folder};
pub use loose::results_equal_loosely;
pub use normalize::{order_matters, test_suite_form};
pub use outcome::{Execution, Outcome, Overrun};
pub use request::{Limits, Request};
pub use sandbox::Sandbox;
pub use tally::Tally;
pub use value::{Table, Value};
pub use worker::{WorkerError, WorkerProgram};
