//! What a query may name.

/// Tables and columns of a database, in lower case, as SQLite compares them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub(super) tables: Vec<TableNames>,
}

/// A table's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TableNames {
    pub name: Vec<u8>,
    pub columns: Vec<Vec<u8>>,
}

impl Names {
    /// From tables with their columns.
    pub fn new<'a, C: IntoIterator<Item = &'a str>>(tables: impl IntoIterator<Item = (&'a str, C)>) -> Self {
        let lower = |name: &str| name.to_ascii_lowercase().into_bytes();
        let table = |(name, columns): (&'a str, C)| TableNames {
            name: lower(name),
            columns: columns.into_iter().map(lower).collect(),
        };
        Self { tables: tables.into_iter().map(table).collect() }
    }

    pub(super) fn table(&self, name: &[u8]) -> Option<usize> {
        self.tables.iter().position(|table| table.name == name)
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &[u8]> {
        self.tables.iter().flat_map(|table| &table.columns).map(Vec::as_slice)
    }
}

/// What queries are held to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The names there are; any name is accepted without them.
    pub names: Option<Names>,
}

/// A name that is whole, or the beginning of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub text: &'a [u8],
    pub whole: bool,
}

impl Wanted<'_> {
    /// Whether this is `name`, or could become it.
    pub fn fits(self, name: &[u8]) -> bool {
        if self.whole { self.text == name } else { name.starts_with(self.text) }
    }
}
