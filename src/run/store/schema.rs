//! The store's tables, and how older ones become today's.
//!
//! | version | what it brought |
//! |---|---|
//! | 1 | the table of events |
//! | 2 | `sum`, a checksum of each event |

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::rows;

/// Version of the store's tables, kept in `PRAGMA user_version`.
pub const STORE_VERSION: i64 = 2;

/// Version 1, which every store starts from: so what migrates old stores is at work on every new one too.
pub(super) const VERSION_1: &str = "
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        type TEXT NOT NULL,
        step INTEGER,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_step ON events (type, step);
    PRAGMA user_version = 1;";

/// The version of an opened store; 0 where nothing is in it.
pub fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Takes a store from version `found` to [`STORE_VERSION`], all at once or not at all.
pub fn bring_up_to_date(db: &mut Connection, found: i64) -> rusqlite::Result<()> {
    if found == STORE_VERSION {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if found < 1 {
        change.execute_batch(VERSION_1)?;
    }
    if found < 2 {
        add_checksums(&change)?;
    }
    change.pragma_update(None, "user_version", STORE_VERSION)?;
    change.commit()
}

fn add_checksums(change: &Transaction<'_>) -> rusqlite::Result<()> {
    change.execute_batch("ALTER TABLE events ADD COLUMN sum INTEGER")?;
    let mut events = change.prepare("SELECT seq, time, body FROM events ORDER BY seq")?;
    let mut update = change.prepare("UPDATE events SET sum = ?2 WHERE seq = ?1")?;
    let mut found = events.query([])?;
    while let Some(row) = found.next()? {
        let (seq, time, body): (i64, f64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        update.execute(params![seq, rows::checksum(seq as u64, time, &body)])?;
    }
    Ok(())
}
