//! A small part of a data set as a data set of its own, for a first try.

mod write;

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    Cursor, DataError, Example, Order, Place, Questions, Split, gold::usable_examples, hardness::spider_levels,
};
use crate::sql::Sandbox;

/// Names that `levels` may hold: Spider's and BIRD's.
pub const LEVELS: [&str; 7] = ["easy", "medium", "hard", "extra", "simple", "moderate", "challenging"];

/// What to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsetOptions {
    /// The data folder.
    pub root: PathBuf,
    /// Folder to write to, new or empty.
    pub out: PathBuf,
    /// Splits to take questions of.
    pub splits: Vec<Split>,
    /// Questions of each split.
    pub count: usize,
    /// Levels to take, of [`LEVELS`]; empty takes all.
    pub levels: Vec<String>,
    /// Databases whose questions to take; empty takes all.
    pub databases: Vec<String>,
    /// Decides which questions are taken.
    pub seed: u64,
}

/// What was taken of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The split.
    pub split: Split,
    /// The questions, in the order of their files.
    pub examples: Vec<Example>,
    /// Questions that were of the wanted levels and databases.
    pub matching: usize,
    /// Entries that cannot be used and were passed over.
    pub unusable: usize,
}

/// Why no such part can be made.
#[derive(Debug, thiserror::Error)]
pub enum SubsetError {
    /// The data themselves.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The folder has something in it.
    #[error("{} is not empty; name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// A database that no question is about.
    #[error("no question is about a database `{name}`; there are: {known}")]
    UnknownDatabase {
        /// The name.
        name: String,
        /// Databases that questions are about.
        known: String,
    },
    /// No question is as wanted.
    #[error("none of the {0} questions has such a level and database, and, to train on, a gold query with a result")]
    Nothing(usize),
    /// A file is not what it should be.
    #[error("{}: {why}; unpack the data anew", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be read, written or copied.
    #[error("cannot copy to {}: {source}", path.display())]
    Copy {
        /// Where.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Takes questions at random and writes them, with the databases they need, into a folder of the same layout. Of training
/// questions only those with a gold query that returns something are taken. A split without such questions is left out.
///
/// # Errors
/// See [`SubsetError`].
pub fn subset(options: &SubsetOptions, sandbox: &Sandbox) -> Result<Vec<Taken>, SubsetError> {
    write::prepare(&options.out)?;
    let read = |&split: &Split| {
        let place = Place::find(&options.root, split, None)?;
        Ok((split, Questions::read(&place, split)?, place))
    };
    let all = options.splits.iter().map(read).collect::<Result<Vec<_>, DataError>>()?;
    check_databases(options, all.iter().flat_map(|(_, questions, _)| &questions.examples))?;
    let taken: Vec<Taken> = all.iter().map(|(split, questions, _)| take(options, *split, questions, sandbox)).collect();
    if taken.iter().all(|taken| taken.examples.is_empty()) {
        return Err(SubsetError::Nothing(all.iter().map(|(_, questions, _)| questions.entries()).sum()));
    }
    for ((_, questions, _), taken) in all.iter().zip(&taken).filter(|(_, taken)| !taken.examples.is_empty()) {
        write::write_questions(options, questions, taken)?;
        write::write_databases(options, taken)?;
    }
    let examples: Vec<&Example> = taken.iter().flat_map(|taken| &taken.examples).collect();
    let homes: BTreeSet<&PathBuf> = all.iter().map(|(_, _, place)| &place.home).collect();
    homes.into_iter().try_for_each(|home| write::write_schemas(options, home, &examples))?;
    Ok(taken)
}

fn take(options: &SubsetOptions, split: Split, all: &Questions, sandbox: &Sandbox) -> Taken {
    let mut matching = of_levels(options, &all.examples);
    matching.retain(|example| options.databases.is_empty() || options.databases.contains(&example.db_id));
    let mut order = Order::new(matching.len(), options.seed, true, Cursor { epoch: split as u64, position: 0 });
    let shuffled: Vec<Example> =
        (0..matching.len()).filter_map(|_| order.next_index()).map(|i| matching[i].clone()).collect();
    let mut examples = match split {
        Split::Train => usable_examples(&shuffled, Some(options.count), sandbox).0,
        Split::Dev => shuffled.into_iter().take(options.count).collect(),
    };
    examples.sort_by_key(|example| example.id);
    Taken { split, examples, matching: matching.len(), unusable: all.flaws.len() }
}

fn check_databases<'a>(
    options: &SubsetOptions,
    examples: impl Iterator<Item = &'a Example>,
) -> Result<(), SubsetError> {
    let known: BTreeSet<&str> = examples.map(|example| example.db_id.as_str()).collect();
    match options.databases.iter().find(|name| !known.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            Err(SubsetError::UnknownDatabase { name: name.clone(), known })
        }
    }
}

fn of_levels(options: &SubsetOptions, examples: &[Example]) -> Vec<Example> {
    if options.levels.is_empty() {
        return examples.to_vec();
    }
    let wanted = |name: &str| options.levels.iter().any(|level| level == name);
    let levels = spider_levels(examples);
    let said = |example: &Example| example.difficulty.as_deref().is_some_and(wanted);
    let both = examples.iter().zip(levels);
    both.filter(|(example, level)| said(example) || level.is_some_and(|level| wanted(&level.to_string())))
        .map(|(example, _)| example.clone())
        .collect()
}

#[cfg(test)]
mod tests;
