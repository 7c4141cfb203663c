//! Which texts can still become a query: the grammar of constrained decoding (`rollout.constrain`), read byte by byte.
//!
//! A [`Reply`] finds the query in what a model writes and holds it to the [`Rules`]; the rest is free. What is accepted is a
//! single `SELECT` of SQLite (set operations, subqueries, `WITH`, `CASE`, `CAST`); comments, window functions, row values and `VALUES` are
//! left out on purpose. Everything that was accepted can go on to an accepted end, but for what `scope` says.

mod clause;
mod lexer;
mod moves;
mod names;
mod parser;
mod phase;
mod prose;
mod reply;
mod scope;
#[cfg(test)]
mod tests;
mod visible;
mod words;

pub use names::{Names, Rules};
pub use reply::Reply;
