//! A run: its events and commands, its folder, its store and its checkpoints.

pub mod atomic;
pub mod bus;
pub mod checkpoint;
pub mod command;
pub mod event;
pub mod folder;
pub mod memory;
pub mod metrics;
pub mod pace;
pub mod presence;
pub mod profile;
pub mod reporter;
pub mod room;
pub mod standing;
pub mod store;
pub mod trace;

#[cfg(test)]
pub(crate) mod fixture;
