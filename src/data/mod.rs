//! Questions and databases in Spider's and BIRD's layouts, their order, and prompts made of them.

mod check;
mod curriculum;
mod dataset;
mod entry;
mod error;
mod flaw;
pub mod generate;
mod gold;
mod hardness;
mod order;
mod pairs;
mod places;
mod prompt;
mod read;
pub mod schema;
pub mod subset;

pub use check::{CheckReport, GoldFinding, SplitReport, check};
pub use curriculum::{Course, PassRate, PassRates};
pub use dataset::{Dataset, Example};
pub use error::DataError;
pub use flaw::{Flaw, Problem};
pub use gold::{GoldReport, GoldRun, check_gold, run_gold, usable_examples};
pub use hardness::spider_levels;
pub use order::{Cursor, Order};
pub use pairs::{Pair, PairsError, read_pairs};
pub use places::{Place, Split};
pub use prompt::{PromptText, Prompts};
pub use read::{Questions, Source};
