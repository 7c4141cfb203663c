//! A trainer and its viewers in processes of their own, joined by a Unix socket.
//!
//! The trainer listens ([`server`]); a cockpit attaches ([`client`]) and gets [`Record`](crate::run::event::Record)s as they are
//! made, what is past it reads from the run's store; one viewer at a time is in control, and its
//! [`Command`](crate::run::command::Command)s reach the trainer. [`protocol`] has the messages, [`socket`] says where the socket lies
//! and who may use it, [`note`] is how it is found. docs/remote.md tells the whole.

pub mod client;
mod connection;
mod error;
mod hall;
pub mod note;
pub mod protocol;
pub mod server;
pub mod socket;

#[cfg(test)]
mod tests;

pub use error::RemoteError;
