//! Finding the files of a data folder as downloaded.
//!
//! Spider unpacks into one folder with `train_spider.json`, `train_others.json`, `dev.json` and `database/`. BIRD unpacks
//! into two, one with `train.json` and `train_databases/`, one with `dev.json` and `dev_databases/`. The data folder may
//! be such a folder or the one above.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use super::DataError;
use crate::{settings::DataSettings, sql::DATABASE_FOLDERS};

/// A part of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// Questions to train on.
    Train,
    /// Held-out questions.
    Dev,
}

impl Split {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Train, Self::Dev];

    /// The setting that names its file.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Train => "data.train_file",
            Self::Dev => "data.dev_file",
        }
    }

    /// The file that the settings name for it, if they do.
    pub fn file(self, settings: &DataSettings) -> Option<&Path> {
        match self {
            Self::Train => settings.train_file.as_deref(),
            Self::Dev => settings.dev_file.as_deref(),
        }
    }

    /// Names that its file has in the layouts, each with those of files that continue it.
    fn names(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Train => &[("train_spider.json", &["train_others.json"]), ("train.json", &[])],
            Self::Dev => &[("dev.json", &[])],
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train",
            Self::Dev => "dev",
        })
    }
}

/// Where the questions of a split and their databases are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Files of questions; their entries count on from one to the next.
    pub files: Vec<PathBuf>,
    /// The folder that has the folder of databases in it, see [`crate::sql::database_file`].
    pub home: PathBuf,
}

impl Place {
    /// Finds a split in the data folder `root`: the file that is `named`, relative to it, else one with a usual name.
    ///
    /// # Errors
    /// [`DataError::NoFile`], [`DataError::Ambiguous`].
    pub fn find(root: &Path, split: Split, named: Option<&Path>) -> Result<Self, DataError> {
        let folders = [vec![root.to_owned()], subfolders(root)].concat();
        let Some(named) = named else { return Self::usual(root, split, &folders) };
        let Some(folder) = only(root, split, &folders, |folder| folder.join(named).is_file())? else {
            return Err(DataError::NoFile { split, looked_for: vec![root.join(named)] });
        };
        let file = folder.join(named);
        let beside = file.parent().unwrap_or(root).to_owned();
        let home = std::iter::once(&beside).chain(&folders).find(|folder| has_databases(folder));
        let home = home.unwrap_or(&folders[0]).clone();
        Ok(Self { files: vec![file], home })
    }

    fn usual(root: &Path, split: Split, folders: &[PathBuf]) -> Result<Self, DataError> {
        for (first, others) in split.names() {
            if let Some(home) = only(root, split, folders, |folder| folder.join(first).is_file())? {
                let others = others.iter().map(|name| home.join(name)).filter(|file| file.is_file());
                return Ok(Self { files: std::iter::once(home.join(first)).chain(others).collect(), home });
            }
        }
        let looked_for = split.names().iter().map(|(name, _)| root.join(name)).collect();
        Err(DataError::NoFile { split, looked_for })
    }
}

/// Folders in a folder, by name. What archives made on a Mac leave beside the data, and hidden folders, are none.
fn subfolders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let visible = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_dir() && !name.starts_with('.') && name != "__MACOSX"
    };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(visible).collect();
    folders.sort_unstable();
    folders
}

/// The folder that has something: the first, which is the data folder itself, else the only one among the others.
fn only(
    root: &Path,
    split: Split,
    folders: &[PathBuf],
    has: impl Fn(&Path) -> bool,
) -> Result<Option<PathBuf>, DataError> {
    if has(&folders[0]) {
        return Ok(Some(folders[0].clone()));
    }
    let mut found: Vec<PathBuf> = folders[1..].iter().filter(|folder| has(folder)).cloned().collect();
    if found.len() > 1 {
        return Err(DataError::Ambiguous { root: root.to_owned(), split, found });
    }
    Ok(found.pop())
}

fn has_databases(folder: &Path) -> bool {
    DATABASE_FOLDERS.iter().any(|name| folder.join(name).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files, and with folders where a name ends in a slash.
    fn tree(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(if name.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
            if !name.ends_with('/') {
                fs::write(path, "").unwrap();
            }
        }
        folder
    }

    fn find(folder: &tempfile::TempDir, split: Split, named: Option<&str>) -> Result<(Vec<String>, String), String> {
        let root = folder.path();
        let short = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
        let place = Place::find(root, split, named.map(Path::new)).map_err(|e| e.to_string())?;
        Ok((place.files.iter().map(|file| short(file)).collect(), short(&place.home)))
    }

    #[test]
    fn spider_is_found_from_its_folder_and_from_above() {
        let here = tree(&["train_spider.json", "train_others.json", "dev.json", "database/"]);
        let found = find(&here, Split::Train, None).unwrap();
        assert_eq!(found, (vec!["train_spider.json".into(), "train_others.json".into()], String::new()));
        let above = tree(&["spider_data/train_spider.json", "spider_data/dev.json", "__MACOSX/dev.json"]);
        assert_eq!(find(&above, Split::Train, None).unwrap().0, ["spider_data/train_spider.json"]);
        assert_eq!(find(&above, Split::Dev, None).unwrap().1, "spider_data");
    }

    #[test]
    fn birds_two_folders_are_found_from_above() {
        let bird = tree(&["train/train.json", "train/train_databases/", "dev_20240627/dev.json"]);
        assert_eq!(find(&bird, Split::Train, None).unwrap(), (vec!["train/train.json".into()], "train".into()));
        assert_eq!(find(&bird, Split::Dev, None).unwrap().1, "dev_20240627");
    }

    #[test]
    fn named_files_use_the_databases_beside_them_or_those_of_the_data_folder() {
        let spider = tree(&["spider/test.json", "spider/test_database/", "mine/few.json"]);
        assert_eq!(find(&spider, Split::Dev, Some("test.json")).unwrap().1, "spider");
        assert_eq!(find(&spider, Split::Dev, Some("mine/few.json")).unwrap().1, "spider");
    }

    #[test]
    fn what_is_missing_or_there_twice_is_told() {
        let none = find(&tree(&["readme"]), Split::Train, None).unwrap_err();
        for part in ["train_spider.json", "train.json", "data.train_file"] {
            assert!(none.contains(part), "{none}");
        }
        let two = tree(&["a/dev.json", "b/dev.json"]);
        let error = find(&two, Split::Dev, None).unwrap_err();
        assert!(error.contains("/a") && error.contains("/b") && error.contains("--data"), "{error}");
    }
}
