//! Reading files of questions.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    DataError, Example, Flaw, Place, Problem, Split,
    entry::{Entry, parse},
};
use crate::{inside, sql::database_file};

/// What every SQLite database begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The questions of a split, and what of its files is of no use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions {
    /// Questions that can be used, in the files' order.
    pub examples: Vec<Example>,
    /// What cannot be used, in the files' order.
    pub flaws: Vec<Flaw>,
    /// The files.
    pub sources: Vec<Source>,
}

/// A file of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// The id that its first entry gives to an example; the second gives the next, and so on.
    pub first_id: usize,
    /// Its entries.
    pub entries: usize,
}

impl Questions {
    /// Reads a split's files and finds the databases.
    ///
    /// # Errors
    /// A file that cannot be read. What is in it is never an error but a flaw.
    pub fn read(place: &Place, split: Split) -> Result<Self, DataError> {
        let mut questions = Self::default();
        let mut databases = Databases { home: &place.home, known: HashMap::new() };
        for file in &place.files {
            let text = fs::read(file).map_err(|source| DataError::Unreadable {
                file: file.clone(),
                setting: split.setting(),
                source,
            })?;
            questions.add(file, &text, &mut databases);
        }
        Ok(questions)
    }

    /// Entries in all files, usable or not.
    pub fn entries(&self) -> usize {
        self.sources.iter().map(|source| source.entries).sum()
    }

    /// The file of an example and its index there, from 0.
    pub fn origin(&self, id: usize) -> Option<(&Path, usize)> {
        let source = self.sources.iter().rfind(|source| source.first_id <= id)?;
        Some((&source.file, id - source.first_id))
    }

    fn add(&mut self, file: &Path, text: &[u8], databases: &mut Databases<'_>) {
        let first_id = self.entries();
        let (entries, broken) = parse(text);
        let count = entries.len();
        for (index, entry) in entries.into_iter().enumerate() {
            match entry.and_then(|entry| databases.example(first_id + index, entry)) {
                Ok(example) => self.examples.push(example),
                Err(problem) => self.flaw(file, Some(index), problem),
            }
        }
        if let Some(error) = broken {
            // An error before the list's end lies in the entry after the last whole one.
            let entry = (text.trim_ascii_start().starts_with(b"[") && !is_behind_the_list(&error)).then_some(count);
            self.flaw(file, entry, Problem::Broken(error.to_string()));
        }
        self.sources.push(Source { file: file.to_owned(), first_id, entries: count });
    }

    fn flaw(&mut self, file: &Path, entry: Option<usize>, problem: Problem) {
        self.flaws.push(Flaw { file: file.to_owned(), entry, problem });
    }
}

fn is_behind_the_list(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("trailing characters")
}

/// The databases of a home, each looked at once.
struct Databases<'a> {
    home: &'a Path,
    known: HashMap<String, Result<PathBuf, Problem>>,
}

impl Databases<'_> {
    fn example(&mut self, id: usize, entry: Entry) -> Result<Example, Problem> {
        let Entry { db_id, question, query, evidence, difficulty } = entry;
        let found = self.known.entry(db_id.clone()).or_insert_with(|| find(self.home, &db_id));
        Ok(Example { id, database: found.clone()?, db_id, question, gold_sql: query, evidence, difficulty })
    }
}

/// Whether a database `<folder>/<db_id>/<db_id>.sqlite` is a link out of the folder.
fn leaves(file: &Path) -> bool {
    let folder = file.parent().and_then(Path::parent).unwrap_or(file);
    inside::is_within(folder, file).is_ok_and(|within| !within)
}

fn find(home: &Path, db_id: &str) -> Result<PathBuf, Problem> {
    let file = database_file(home, db_id).ok_or_else(|| Problem::UnsafeName(db_id.to_owned()))?;
    let mut start = Vec::new();
    match File::open(&file).and_then(|open| open.take(MAGIC.len() as u64).read_to_end(&mut start)) {
        // The folder of databases may be a link as a whole, a database in it may not: its rows are shown to whoever trains on it.
        Ok(_) if leaves(&file) => Err(Problem::Outside(file)),
        Ok(_) if start == MAGIC => Ok(file),
        Ok(_) => Err(Problem::NotADatabase(file)),
        Err(_) => Err(Problem::NoDatabase { db_id: db_id.to_owned(), file }),
    }
}
