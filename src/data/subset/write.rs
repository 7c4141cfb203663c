//! Writes the chosen part in the layout of the whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;

use super::{SubsetError, SubsetOptions, Taken};
use crate::data::{Example, Questions, entry::list};

/// Names of files that list the schemas of databases.
const SCHEMAS: [&str; 4] = ["tables.json", "train_tables.json", "dev_tables.json", "test_tables.json"];

/// Makes sure that the folder is new or empty.
pub(super) fn prepare(out: &Path) -> Result<(), SubsetError> {
    fs::create_dir_all(out).map_err(copy_error(out))?;
    match fs::read_dir(out).map_err(copy_error(out))?.next() {
        None => Ok(()),
        Some(_) => Err(SubsetError::NotEmpty(out.to_owned())),
    }
}

/// The chosen entries as they stand in their files, with fields of which this program knows nothing. Of files that
/// continue another only those with chosen entries are written.
pub(super) fn write_questions(
    options: &SubsetOptions,
    questions: &Questions,
    taken: &Taken,
) -> Result<(), SubsetError> {
    let ids: BTreeSet<usize> = taken.examples.iter().map(|example| example.id).collect();
    for (number, source) in questions.sources.iter().enumerate() {
        let entries: Vec<Value> = read_list(&source.file)?;
        let chosen = entries.into_iter().enumerate().filter(|(index, _)| ids.contains(&(source.first_id + index)));
        let chosen: Vec<Value> = chosen.map(|(_, entry)| entry).collect();
        if number == 0 || !chosen.is_empty() {
            write_list(&in_out(options, &source.file), &chosen)?;
        }
    }
    Ok(())
}

/// The folders of the databases, with all that is in them.
pub(super) fn write_databases(options: &SubsetOptions, taken: &Taken) -> Result<(), SubsetError> {
    let folders: BTreeSet<&Path> = taken.examples.iter().filter_map(|example| example.database.parent()).collect();
    folders.into_iter().try_for_each(|folder| copy(folder, &in_out(options, folder)))
}

/// The lists of schemas in a home, cut down to the databases of the examples.
pub(super) fn write_schemas(options: &SubsetOptions, home: &Path, examples: &[&Example]) -> Result<(), SubsetError> {
    let names: BTreeSet<&str> = examples.iter().map(|example| example.db_id.as_str()).collect();
    for file in SCHEMAS.iter().map(|name| home.join(name)).filter(|file| file.is_file()) {
        let (schemas, error) = list::<Value>(&fs::read(&file).map_err(copy_error(&file))?);
        if let Some(error) = error {
            return Err(SubsetError::Malformed { file, why: error.to_string() });
        }
        let used = schemas.into_iter().filter(|schema| schema["db_id"].as_str().is_some_and(|id| names.contains(id)));
        let used: Vec<Value> = used.collect();
        if !used.is_empty() {
            write_list(&in_out(options, &file), &used)?;
        }
    }
    Ok(())
}

/// What stands before broken JSON: those are the entries that were chosen from.
fn read_list(file: &Path) -> Result<Vec<Value>, SubsetError> {
    Ok(list(&fs::read(file).map_err(copy_error(file))?).0)
}

/// The same place in the new folder.
fn in_out(options: &SubsetOptions, path: &Path) -> PathBuf {
    options.out.join(path.strip_prefix(&options.root).unwrap_or(path))
}

/// A JSON list with an entry on each line.
fn write_list<T: Serialize>(file: &Path, entries: &[T]) -> Result<(), SubsetError> {
    let lines: Result<Vec<String>, _> = entries.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|source| copy_error(file)(source.into()))?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(copy_error(folder))?;
    }
    fs::write(file, format!("[\n{}\n]\n", lines.join(",\n"))).map_err(copy_error(file))
}

fn copy(from: &Path, to: &Path) -> Result<(), SubsetError> {
    fs::create_dir_all(to).map_err(copy_error(to))?;
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(from).map_err(copy_error(from))? {
        let entry = entry.map_err(copy_error(from))?;
        entries.insert(entry.file_name(), entry.path());
    }
    for (name, path) in entries {
        let target = to.join(name);
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(copy_error(&target))?;
        }
    }
    Ok(())
}

fn copy_error(path: &Path) -> impl FnOnce(io::Error) -> SubsetError {
    let path = path.to_owned();
    move |source| SubsetError::Copy { path, source }
}
