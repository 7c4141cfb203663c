//! Settings: YAML files and command-line flags, validated.

mod groups;

pub use groups::*;
