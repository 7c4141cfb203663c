//! A run: its events and commands, its folder, its store and its checkpoints.

pub mod command;
pub mod event;
pub mod metrics;
