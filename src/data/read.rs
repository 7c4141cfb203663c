//! Reading a file of questions.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

use super::{DataError, Example};
use crate::sql::database_file;

/// Reads a file of questions and finds their databases. `setting` is the setting that named the file.
///
/// # Errors
/// A file that cannot be read or is malformed, a database name that is no plain folder name, a database that is missing.
pub fn read_examples(root: &Path, file: &Path, setting: &'static str) -> Result<Vec<Example>, DataError> {
    let file = root.join(file);
    let text = fs::read(&file).map_err(|source| DataError::Unreadable { file: file.clone(), setting, source })?;
    let entries: Entries =
        serde_json::from_slice(&text).map_err(|source| DataError::Malformed { file: file.clone(), source })?;
    if entries.0.is_empty() {
        return Err(DataError::Empty { file });
    }
    let examples = entries.0.into_iter().enumerate().map(|(id, entry)| example(root, &file, id, entry));
    let examples: Vec<Example> = examples.collect::<Result<_, _>>()?;
    check_databases(&file, &examples)?;
    Ok(examples)
}

fn example(root: &Path, file: &Path, id: usize, entry: Entry) -> Result<Example, DataError> {
    let Some(database) = database_file(root, &entry.db_id) else {
        return Err(DataError::UnsafeName { file: file.to_owned(), entry: id, db_id: entry.db_id });
    };
    Ok(Example { id, db_id: entry.db_id, database, question: entry.question, gold_sql: entry.query })
}

fn check_databases(file: &Path, examples: &[Example]) -> Result<(), DataError> {
    let mut first_use: BTreeMap<&Path, usize> = BTreeMap::new();
    for example in examples {
        first_use.entry(&example.database).or_insert(example.id);
    }
    let databases = first_use.len();
    let missing: Vec<_> = first_use.into_iter().filter(|(database, _)| !database.is_file()).collect();
    let Some(&(database, entry)) = missing.iter().min_by_key(|(_, entry)| *entry) else { return Ok(()) };
    let (file, database) = (file.to_owned(), database.to_owned());
    Err(DataError::MissingDatabase { file, entry, database, missing: missing.len(), databases })
}

/// An entry of Spider's files; other fields are of no interest.
#[derive(Deserialize)]
struct Entry {
    db_id: String,
    question: String,
    query: String,
}

/// A list whose errors name the entry.
struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of questions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        loop {
            let next = list.next_element();
            match next.map_err(|e| A::Error::custom(format!("entry {}: {e}", entries.len())))? {
                Some(entry) => entries.push(entry),
                None => return Ok(Entries(entries)),
            }
        }
    }
}
