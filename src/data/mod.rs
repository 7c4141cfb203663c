//! Questions and databases in Spider's layout, and prompts made of them.

mod dataset;
mod error;
pub mod generate;
mod gold;
mod order;
mod pairs;
mod prompt;
mod read;

pub use dataset::{Dataset, Example};
pub use error::DataError;
pub use gold::{GoldReport, check_gold};
pub use order::{Cursor, Order};
pub use pairs::{Pair, PairsError, read_pairs};
pub use prompt::{Prompts, schema_text, user_message};
