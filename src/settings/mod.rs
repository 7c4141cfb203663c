//! Settings: YAML files and command-line flags, validated.
//!
//! Defaults come first, then the file, then flags. Every mistake is reported with its place, the value, and what is allowed.

mod charts;
mod check;
pub mod docs;
mod doctor;
mod error;
mod groups;
mod grpo;
mod live;
mod load;
mod memory;
mod overlay;
mod paths;
mod report;
mod reward;
mod stages;
#[cfg(test)]
mod tests;

pub use charts::{CHARTS, ChartSetting, ChartUnit};
pub use check::LORA_TARGETS;
pub use doctor::{Detector, DoctorSettings, Policy};
pub use error::{Impossible, SettingsError};
pub use groups::*;
pub use grpo::*;
pub use live::{LIVE, is_live};
pub use load::Sources;
pub use memory::{MemoryLimit, MemorySettings, Recompute};
pub use overlay::Override;
pub use report::{ReportSettings, ReportTo};
pub use reward::{RewardComponent, RewardPreset, RewardSettings};
pub use stages::{StageMethod, StageSettings};
