//! What the names in a query stand for.
//!
//! A query names columns before it says of which tables, and aliases before it defines them. So what was used is remembered, and a query
//! cannot leave its `FROM` before the tables are there that have it. One that never names them ends at the length limit.

use super::names::Names;

/// A table of a query's `FROM`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Source {
    /// The name by which the query knows it: its alias, if it has one.
    pub name: Vec<u8>,
    /// Its place among the database's tables; `None` for a query in brackets or of a `WITH`, whose columns are not known.
    pub table: Option<usize>,
}

/// A column that was named before its table was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Used {
    pub qualifier: Option<Vec<u8>>,
    /// `None` for `*`.
    pub column: Option<Vec<u8>>,
}

/// The names of one query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub sources: Vec<Source>,
    /// Sorted, so that states that mean the same are the same.
    pub used: Vec<Used>,
    /// Aliases of items.
    pub aliases: Vec<Vec<u8>>,
    /// Names of `WITH`.
    pub ctes: Vec<Vec<u8>>,
    /// Whether anything was named that only a table can have.
    pub needs_source: bool,
    /// Whether the newest table was joined, so that `ON` may follow.
    pub joined: bool,
}

impl Source {
    pub fn has(&self, column: &[u8], names: &Names) -> bool {
        self.table.is_none_or(|table| names.tables[table].columns.iter().any(|c| c == column))
    }
}

impl Scope {
    pub fn remember(&mut self, used: Used) {
        if let Err(at) = self.used.binary_search(&used) {
            self.used.insert(at, used);
        }
    }

    /// Whether one of the tables is what was used.
    pub fn has(&self, used: &Used, names: &Names) -> bool {
        self.sources.iter().any(|source| {
            used.qualifier.as_ref().is_none_or(|qualifier| *qualifier == source.name)
                && used.column.as_ref().is_none_or(|column| source.has(column, names))
        })
    }

    /// Columns that were asked of the table that will have this name.
    pub fn asked_of<'a>(&'a self, qualifier: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let of = move |used: &&Used| used.qualifier.as_deref() == Some(qualifier);
        self.used.iter().filter(of).filter_map(|used| used.column.as_deref())
    }

    /// Whether the newest table may get this alias: no other has it, and it has what was asked of it.
    pub fn may_be_called(&self, alias: &[u8], names: &Names) -> bool {
        let Some((newest, earlier)) = self.sources.split_last() else { return false };
        earlier.iter().all(|source| source.name != alias)
            && self.asked_of(alias).all(|column| newest.has(column, names))
    }
}
