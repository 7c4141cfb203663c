//! How much of the gold query's names and word order a query has (methods.md 2.2).

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::sql::{
    official::Schema,
    scan::{Kind, tokens},
};

/// The schemas of databases, each read once.
#[derive(Debug, Default)]
pub struct Schemas {
    known: Mutex<HashMap<PathBuf, Arc<Schema>>>,
}

impl Schemas {
    /// The tables and columns of a database; none where it cannot be read, which the gold query's failure tells.
    pub fn get(&self, database: &Path) -> Arc<Schema> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(database) {
            return Arc::clone(schema);
        }
        let schema = Arc::new(Schema::read(database).unwrap_or_default());
        known.insert(database.to_owned(), Arc::clone(&schema));
        schema
    }
}

/// The Jaccard overlap of the tables and columns that two queries name.
pub fn schema_overlap(schema: &Schema, gold: &str, predicted: &str) -> f64 {
    jaccard(&names(schema, gold), &names(schema, predicted))
}

fn names(schema: &Schema, sql: &str) -> BTreeSet<String> {
    let name = |kind: Kind, text: &str| match kind {
        Kind::Word => Some(text.to_lowercase()),
        // Single quotes make a text.
        Kind::Quoted if !text.starts_with('\'') => Some(text.trim_matches(['"', '`', '[', ']']).to_lowercase()),
        _ => None,
    };
    tokens(sql).filter_map(|token| name(token.kind, token.text)).filter(|name| schema.has_name(name)).collect()
}

/// The Jaccard overlap of the pairs of words that follow each other in two queries, case aside.
pub fn ngram_overlap(gold: &str, predicted: &str) -> f64 {
    jaccard(&pairs(gold), &pairs(predicted))
}

fn pairs(sql: &str) -> BTreeSet<(String, String)> {
    let words: Vec<String> = tokens(sql)
        .filter(|token| !token.is_blank() && !token.is_symbol(";"))
        .map(|token| if token.kind == Kind::Word { token.text.to_lowercase() } else { token.text.to_owned() })
        .collect();
    words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// The share of common elements among all; 0 if there are none at all.
pub(super) fn jaccard<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    let all = a.union(b).count();
    if all == 0 { 0.0 } else { a.intersection(b).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn names_are_those_of_the_schema() {
        let schema = Schema::of(&[("singer", &["name", "age"]), ("band", &["id"])]);
        let overlap = |predicted| schema_overlap(&schema, "SELECT Name FROM singer WHERE age > 3", predicted);
        assert!(close(overlap("SELECT T1.\"name\" FROM [Singer] AS T1 WHERE T1.age < 'id'"), 1.0));
        // Of singer, name, age and band, two are in both.
        assert!(close(overlap("SELECT name FROM singer JOIN band"), 0.5));
        assert!(close(overlap("SELECT 'name'"), 0.0));
        assert!(close(schema_overlap(&Schema::default(), "SELECT a", "SELECT a"), 0.0));
    }

    #[test]
    fn pairs_of_words_are_compared() {
        assert!(close(ngram_overlap("SELECT a FROM t", "select a from T;"), 1.0));
        // SELECT a, a FROM, FROM t against SELECT b, b FROM, FROM t.
        assert!(close(ngram_overlap("SELECT a FROM t", "SELECT b FROM t"), 0.2));
        assert!(close(ngram_overlap("SELECT a FROM t", ""), 0.0));
        assert!(close(ngram_overlap("SELECT 'a'", "SELECT 'A'"), 0.0), "a text's case counts");
    }
}
