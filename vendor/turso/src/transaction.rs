//! Transactions.

use std::ops::Deref;

use super::{Connection, Error};

/// When a transaction takes its locks.
#[derive(Debug, Clone, Copy)]
pub enum TransactionBehavior {
    /// With its first statement that needs one.
    Deferred,
    /// The writer's lock at once.
    Immediate,
}

/// A transaction, undone unless it is committed.
#[derive(Debug)]
pub struct Transaction<'c> {
    connection: &'c mut Connection,
    open: bool,
}

impl Connection {
    /// Begins a transaction.
    ///
    /// # Errors
    /// Another process has the lock for longer than the timeout.
    #[expect(clippy::unused_async, reason = "a future, as turso's")]
    pub async fn transaction_with_behavior(&mut self, behavior: TransactionBehavior) -> Result<Transaction<'_>, Error> {
        self.0.execute_batch(match behavior {
            TransactionBehavior::Deferred => "BEGIN DEFERRED",
            TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
        })?;
        Ok(Transaction { connection: self, open: true })
    }
}

impl Transaction<'_> {
    /// Keeps what was written.
    ///
    /// # Errors
    /// It cannot be written; then nothing of it is.
    #[expect(clippy::unused_async, reason = "a future, as turso's")]
    pub async fn commit(mut self) -> Result<(), Error> {
        self.connection.0.execute_batch("COMMIT")?;
        self.open = false;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // A failed commit has been undone by SQLite already, and then there is nothing to roll back.
            let _ = self.connection.0.execute_batch("ROLLBACK");
        }
    }
}
