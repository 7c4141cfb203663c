//! sqlr1-tui: a training cockpit in the terminal that teaches a small language model to write SQL by reinforcement learning.
//!
//! ARCHITECTURE.md has the map of the modules and the rules between them.

pub mod assets;
pub mod bench;
pub mod cli;
pub mod cockpit;
pub mod curve;
pub mod data;
pub mod dirs;
pub mod doctor;
pub mod evaluate;
pub mod export;
pub mod harmless;
pub mod inside;
pub mod model;
pub mod plot;
pub mod remote;
pub mod reward;
pub mod rl;
pub mod run;
pub mod settings;
pub mod sft;
pub mod sql;
