//! Gold results, each computed once.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::{
    data::Example,
    sql::{Execution, Sandbox},
};

/// Results of more cells are computed anew each time, so that the cache stays small whatever the data. In Spider none is:
/// its 7,000 training results have 390,000 cells together, the largest 36,456.
const MOST_CELLS: usize = 50_000;

type Slot = Arc<OnceLock<Arc<Execution>>>;

/// Results of gold queries by database and query.
#[derive(Debug)]
pub struct GoldCache {
    sandbox: Sandbox,
    slots: Mutex<HashMap<(PathBuf, String), Slot>>,
}

impl GoldCache {
    /// An empty cache. Gold queries get more time than the sandbox's.
    pub fn new(sandbox: &Sandbox) -> Self {
        Self { sandbox: sandbox.trusted(), slots: Mutex::default() }
    }

    /// What came of an example's gold query in the form `sql`. Threads that ask at the same time wait for one of them.
    pub fn get(&self, example: &Example, sql: &str) -> Arc<Execution> {
        self.get_or(example, sql, || Arc::new(self.sandbox.run(&example.database, sql)))
    }

    /// The same where the query was executed already, because a reply is the gold query itself.
    pub fn learn(&self, example: &Example, sql: &str, execution: &Arc<Execution>) -> Arc<Execution> {
        self.get_or(example, sql, || Arc::clone(execution))
    }

    fn get_or(&self, example: &Example, sql: &str, execute: impl FnOnce() -> Arc<Execution>) -> Arc<Execution> {
        let key = (example.database.clone(), sql.to_owned());
        let slot = Arc::clone(self.lock().entry(key).or_default());
        let execution = Arc::clone(slot.get_or_init(execute));
        let cells = execution.outcome.table().map_or(0, |table| table.rows.len() * table.columns.len());
        if cells > MOST_CELLS {
            self.lock().remove(&(example.database.clone(), sql.to_owned()));
        }
        execution
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(PathBuf, String), Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SqlSettings;

    #[test]
    fn what_a_reply_has_shown_is_not_executed_again() {
        let sandbox = Sandbox::in_process(&SqlSettings::default());
        let cache = GoldCache::new(&sandbox);
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("d.sqlite");
        rusqlite::Connection::open(&database)
            .unwrap()
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
            .unwrap();
        let example = Example { database: database.clone(), ..Example::default() };
        let shown = Arc::new(sandbox.run(&database, "SELECT a FROM t"));
        assert!(Arc::ptr_eq(&cache.learn(&example, "SELECT a FROM t", &shown), &shown));
        assert!(Arc::ptr_eq(&cache.get(&example, "SELECT a FROM t"), &shown));
        let other = cache.get(&example, "SELECT a + 1 FROM t");
        let again = Arc::new(sandbox.run(&database, "SELECT a + 1 FROM t"));
        assert!(Arc::ptr_eq(&cache.learn(&example, "SELECT a + 1 FROM t", &again), &other), "what is known stays");
    }
}
