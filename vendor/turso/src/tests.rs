//! What the cache of kernels relies on.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::{Builder, Database, Error, transaction::TransactionBehavior};

/// Every call must be done when it is first polled.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a call waits"),
    }
}

fn database(name: &str) -> (std::path::PathBuf, Database) {
    let folder = std::env::temp_dir().join(format!("turso-stand-in-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let database = now(Builder::new_local(folder.join("a.db").to_str().unwrap()).build()).unwrap();
    now(database.connect().unwrap().execute("CREATE TABLE kept (k TEXT PRIMARY KEY, v BLOB NOT NULL)", ())).unwrap();
    (folder, database)
}

fn count(database: &Database) -> i64 {
    let connection = database.connect().unwrap();
    let mut rows = now(connection.query("SELECT count(*) FROM kept", ())).unwrap();
    now(rows.next()).unwrap().unwrap().get(0).unwrap()
}

#[test]
fn rows_come_back_as_they_were_written() {
    let (folder, database) = database("rows");
    let connection = database.connect().unwrap();
    assert_eq!(now(connection.execute("INSERT INTO kept VALUES (?1, ?2)", ("a", vec![1_u8, 0, 255]))).unwrap(), 1);
    let mut rows = now(connection.query("SELECT k, v FROM kept WHERE k = ?1", ("a",))).unwrap();
    let row = now(rows.next()).unwrap().unwrap();
    assert_eq!((row.get::<String>(0).unwrap(), row.get::<Vec<u8>>(1).unwrap()), ("a".to_owned(), vec![1, 0, 255]));
    assert!(row.get::<i64>(0).is_err() && row.get::<i64>(2).is_err());
    assert!(now(rows.next()).unwrap().is_none());
    let error = now(connection.query("SELECT 1 FROM nowhere", ())).unwrap_err();
    assert!(error.to_string().contains("no such table"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_transaction_is_kept_only_if_it_is_committed() {
    let (folder, database) = database("transactions");
    let mut connection = database.connect().unwrap();
    for committed in [false, true] {
        let transaction = now(connection.transaction_with_behavior(TransactionBehavior::Immediate)).unwrap();
        now(transaction.execute("INSERT INTO kept VALUES ('a', x'00')", ())).unwrap();
        if committed {
            now(transaction.commit()).unwrap();
        }
    }
    assert_eq!(count(&database), 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_lock_of_another_is_told_as_such_and_readers_go_on() {
    let (folder, database) = database("locks");
    let (mut one, mut other) = (database.connect().unwrap(), database.connect().unwrap());
    let held = now(one.transaction_with_behavior(TransactionBehavior::Immediate)).unwrap();
    other.busy_timeout(std::time::Duration::from_millis(1)).unwrap();
    let refused = now(other.transaction_with_behavior(TransactionBehavior::Immediate)).unwrap_err();
    assert!(matches!(refused, Error::Busy(_)), "{refused:?}");
    assert_eq!(count(&database), 0);
    drop(held);
    now(other.transaction_with_behavior(TransactionBehavior::Immediate)).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_opened_to_be_read_is_not_written_and_another_file_is_refused() {
    let (folder, _) = database("read-only");
    let open = |name: &str, read_only| {
        now(Builder::new_local(folder.join(name).to_str().unwrap()).read_only(read_only).build())
    };
    let connection = open("a.db", true).unwrap().connect().unwrap();
    assert!(now(connection.execute("INSERT INTO kept VALUES ('a', x'00')", ())).is_err());
    assert!(open("missing.db", true).is_err());
    std::fs::write(folder.join("text.db"), "this is not a database, whatever its name says").unwrap();
    assert!(open("text.db", false).is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pragmas_answer_with_rows_or_without() {
    let (folder, database) = database("pragmas");
    let connection = database.connect().unwrap();
    let mut seen = Vec::new();
    now(connection.pragma_query("synchronous = NORMAL", |_| Ok(()))).unwrap();
    now(connection.pragma_query("journal_mode", |row| {
        seen.push(row.get::<String>(0)?);
        Ok(())
    }))
    .unwrap();
    now(connection.pragma_query("wal_checkpoint(TRUNCATE)", |row| {
        seen.push(row.get::<i64>(0)?.to_string());
        Ok(())
    }))
    .unwrap();
    assert_eq!(seen, ["wal", "0"]);
    std::fs::remove_dir_all(folder).unwrap();
}
