//! The cockpit: ratatui, events in, commands out. Imports no burn.
//!
//! [`state`] folds records into what is known of a run, [`App`] adds the person's place on the screen and turns keys into
//! effects, [`draw()`] shows both, and [`run`] joins them to a terminal. Only `terminal` and `run_loop` touch the outside;
//! everything before them is driven by tests as it is by a person.

pub mod action;
mod app;
pub mod catalog;
pub mod charts;
mod draw;
pub mod entry;
mod feed;
pub(crate) mod figures;
pub mod filter;
mod history;
pub mod measure;
mod messages;
mod options;
mod outcome;
mod pace;
mod panes;
mod past;
mod run_loop;
pub mod runs;
mod shelf;
pub mod state;
mod surroundings;
mod symbols;
mod tape;
mod terminal;
pub(crate) mod text;
pub mod theme;
mod ui;
pub mod views;
mod work;

#[cfg(test)]
pub(crate) use crate::run::fixture;

#[cfg(test)]
mod pty_tests;
#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod style_tests;
#[cfg(test)]
mod tests;

pub use app::{App, Leave};
pub use draw::draw;
pub use feed::Feed;
pub use history::{GroupSink, History, HistoryError};
pub use options::{CockpitOptions, OptionsError, Place};
pub use outcome::{CockpitError, Left, Outcome, Signal};
pub use past::PastRun;
pub use run_loop::{replay, run};
pub use symbols::Symbols;
pub use tape::SPEEDS;
pub use work::{Finish, Work};
