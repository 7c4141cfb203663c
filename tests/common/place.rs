//! A database to be attacked, and workers of the built program to attack it from.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sqlr1_tui::{
    settings::SqlSettings,
    sql::{Execution, Sandbox, WorkerProgram},
};

/// A folder with one small database in it.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Tables `t` (3 rows), `big` (2,000 rows) and `odd` (text that is not UTF-8), and full-text, R-tree and plain views.
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let connection = rusqlite::Connection::open(place.database()).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL);
                 CREATE TABLE big(i INTEGER, s TEXT);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000)
                     INSERT INTO big SELECT i, hex(i * 7919) FROM n;
                 CREATE TABLE odd(c);
                 INSERT INTO odd VALUES (CAST(x'61ff62' AS TEXT)), (x'00ff'), (9e999), (-9223372036854775807 - 1), (-0.0);
                 CREATE VIEW v AS SELECT a FROM t;
                 CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('some words here');
                 CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0.0, 1.0);",
            )
            .unwrap();
        place
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("d.sqlite")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every file in the folder with its bytes.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

/// A sandbox with workers of the built program.
pub fn workers(settings: &SqlSettings) -> Sandbox {
    Sandbox::in_workers(settings, WorkerProgram::at(env!("CARGO_BIN_EXE_sqlr1-tui"))).unwrap()
}

/// The first cell of a result, for people.
pub fn first_cell(execution: &Execution) -> String {
    let table = execution.outcome.table().unwrap_or_else(|| panic!("{:?}", execution.outcome));
    table.rows[0][0].display()
}
