//! Writes Spider's files.

use std::{fs, path::Path};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    database::World,
    error::GenerateError,
    schema::{Fill, Schema},
};

/// Makes sure that the folder may be written to.
///
/// # Errors
/// [`GenerateError::NotEmpty`], [`GenerateError::Write`].
pub fn prepare(folder: &Path, overwrite: bool) -> Result<(), GenerateError> {
    create_folder(folder)?;
    let mut content = fs::read_dir(folder).map_err(write_error(folder))?;
    if content.next().is_some() && !overwrite {
        return Err(GenerateError::NotEmpty { folder: folder.to_owned() });
    }
    Ok(())
}

/// A JSON list with an entry on each line, so that a change shows as the lines it touches.
///
/// # Errors
/// [`GenerateError::Write`].
pub fn write_list<T: Serialize>(file: &Path, entries: &[T]) -> Result<(), GenerateError> {
    let lines: Result<Vec<String>, _> = entries.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|source| write_error(file)(source.into()))?;
    let partial = file.with_extension("partial");
    fs::write(&partial, format!("[\n{}\n]\n", lines.join(",\n"))).map_err(write_error(&partial))?;
    fs::rename(&partial, file).map_err(write_error(file))
}

/// Writes a database to where Spider has it.
///
/// # Errors
/// [`GenerateError::Write`], [`GenerateError::Sqlite`].
pub fn write_database(folder: &Path, world: &World) -> Result<(), GenerateError> {
    let name = world.schema.name;
    let place = folder.join("database").join(name);
    create_folder(&place)?;
    let (file, partial) = (place.join(format!("{name}.sqlite")), place.join(format!("{name}.partial")));
    // What an earlier attempt left behind would make SQLite refuse.
    if partial.exists() {
        fs::remove_file(&partial).map_err(write_error(&partial))?;
    }
    world.save(&partial)?;
    fs::rename(&partial, &file).map_err(write_error(&file))
}

/// The entry of a database in `tables.json`.
pub fn tables_entry(schema: &Schema) -> Value {
    let columns = || schema.tables.iter().enumerate().flat_map(|(t, spec)| spec.columns.iter().map(move |c| (t, c)));
    let names = |name: fn(&str) -> String| {
        let all = columns().map(|(table, column)| json!([table, name(column.name)]));
        std::iter::once(json!([-1, "*"])).chain(all).collect::<Vec<_>>()
    };
    let types = std::iter::once("text").chain(columns().map(|(_, column)| column.spider_type())).collect::<Vec<_>>();
    // The column `*` has index 0.
    let key_of =
        |table: &str| 1 + columns().position(|(t, c)| schema.tables[t].name == table && is_key(c.fill)).unwrap_or(0);
    let mut foreign_keys = Vec::new();
    for (index, (_, column)) in columns().enumerate() {
        if let Fill::Ref(table, _) = column.fill {
            foreign_keys.push([index + 1, key_of(table)]);
        }
    }
    let primary_keys: Vec<usize> =
        columns().enumerate().filter(|(_, (_, column))| is_key(column.fill)).map(|(index, _)| index + 1).collect();
    let table_names: Vec<&str> = schema.tables.iter().map(|spec| spec.name).collect();
    json!({
        "column_names": names(|name| name.replace('_', " ")),
        "column_names_original": names(str::to_owned),
        "column_types": types,
        "db_id": schema.name,
        "foreign_keys": foreign_keys,
        "primary_keys": primary_keys,
        "table_names": table_names,
        "table_names_original": table_names,
    })
}

fn is_key(fill: Fill) -> bool {
    matches!(fill, Fill::Key)
}

fn create_folder(folder: &Path) -> Result<(), GenerateError> {
    fs::create_dir_all(folder).map_err(write_error(folder))
}

fn write_error(path: &Path) -> impl FnOnce(std::io::Error) -> GenerateError {
    let path = path.to_owned();
    move |source| GenerateError::Write { path, source }
}
