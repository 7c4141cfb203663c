//! Which columns foreign keys make the same.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::tree::ColumnName;

/// For each column that is in a foreign key, the column that stands for all that are joined to it.
pub type SameColumns = HashMap<ColumnName, ColumnName>;

/// A `tables.json` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// It cannot be read.
    #[error("cannot read {}: {source}; exact match needs the foreign keys that it lists", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is not in Spider's form.
    #[error("{}: {source}; expected Spider's list of schemas, unpack the data anew", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What and where.
        source: serde_json::Error,
    },
    /// A key refers to something that is not in the file.
    #[error("{}: the schema of `{db_id}` has a foreign key or column that refers to nothing", file.display())]
    Dangling {
        /// The file.
        file: PathBuf,
        /// The database.
        db_id: String,
    },
}

/// Reads Spider's `tables.json`: the columns that foreign keys make one, by database.
///
/// # Errors
/// See [`TablesError`].
pub fn read_foreign_keys(file: &Path) -> Result<HashMap<String, SameColumns>, TablesError> {
    let text = fs::read(file).map_err(|source| TablesError::Unreadable { file: file.to_owned(), source })?;
    let entries: Vec<Entry> =
        serde_json::from_slice(&text).map_err(|source| TablesError::Malformed { file: file.to_owned(), source })?;
    let pairs = entries.into_iter().map(|entry| match entry.same_columns() {
        Some(same) => Ok((entry.db_id, same)),
        None => Err(TablesError::Dangling { file: file.to_owned(), db_id: entry.db_id }),
    });
    pairs.collect()
}

#[derive(Deserialize)]
struct Entry {
    db_id: String,
    table_names_original: Vec<String>,
    /// Index of the table (-1 for `*`) and name.
    column_names_original: Vec<(i64, String)>,
    foreign_keys: Vec<(usize, usize)>,
}

impl Entry {
    /// A key joins the first group that has either of its columns; groups that it connects are not merged, as in the
    /// original. A group's columns are all represented by the first of them in the file's order.
    fn same_columns(&self) -> Option<SameColumns> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &(a, b) in &self.foreign_keys {
            match groups.iter_mut().find(|group| group.contains(&a) || group.contains(&b)) {
                Some(group) => group.extend([a, b]),
                None => groups.push(vec![a, b]),
            }
        }
        let mut same = SameColumns::new();
        for group in groups {
            let first = self.column(*group.iter().min()?)?;
            for column in group {
                same.insert(self.column(column)?, first.clone());
            }
        }
        Some(same)
    }

    fn column(&self, index: usize) -> Option<ColumnName> {
        let (table, column) = self.column_names_original.get(index)?;
        let Ok(table) = usize::try_from(*table) else { return Some("*".into()) };
        Some(format!("{}.{}", self.table_names_original.get(table)?.to_lowercase(), column.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_joined_by_keys_have_one_representative() {
        let entry = Entry {
            db_id: "d".into(),
            table_names_original: vec!["A".into(), "b".into()],
            column_names_original: [(-1, "*"), (0, "Id"), (0, "x"), (1, "A_id"), (1, "c")]
                .map(|(table, name)| (table, name.to_owned()))
                .into(),
            foreign_keys: vec![(3, 1), (4, 3)],
        };
        let same = entry.same_columns().unwrap();
        for column in ["a.id", "b.a_id", "b.c"] {
            assert_eq!(same[column], "a.id");
        }
        assert!(!same.contains_key("a.x"));
        assert!(Entry { foreign_keys: vec![(1, 9)], ..entry }.same_columns().is_none());
    }
}
