//! Spider's official evaluation: execution match by test suites, exact set match, hardness.
//!
//! Written after methods.md 6 and checked against verdicts of the official evaluator (test-suite-sql-eval): its quirks are
//! kept, since numbers are compared with published ones.

mod canonical;
mod exact;
mod execution;
mod from;
mod hardness;
mod judge;
mod keys;
mod level;
mod parse;
mod plug;
mod report;
mod schema;
mod tree;
mod units;
mod words;

pub use execution::{ExecutionMatch, ExecutionOptions, execution_match};
pub use hardness::Hardness;
pub use judge::{Judge, Marks, Verdict};
pub use keys::TablesError;
pub use level::Levels;
pub use report::{Rates, Summary, Tally, Totals};
pub use schema::Schema;
