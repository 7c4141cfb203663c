//! The data that come with the program are what the command makes, byte for byte.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use common::{assert_code, program};
use sqlr1_tui::data::generate::{GenerateOptions, generate};

/// All files of a folder by their place in it, but for the README that people write and the model that takes minutes to make.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files.remove(Path::new("README.md"));
    files.remove(Path::new("model.gguf"));
    files
}

#[test]
fn the_shipped_data_are_made_anew_byte_for_byte() {
    let shipped = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo"));
    let size: usize = shipped.values().map(Vec::len).sum();
    assert!(size < 2_500_000, "{size} bytes are too many to ship");
    let folder = tempfile::tempdir().unwrap();
    generate(&GenerateOptions::default()).unwrap().write(folder.path(), false).unwrap();
    let made = files(folder.path());
    assert_eq!(made.keys().collect::<Vec<_>>(), shipped.keys().collect::<Vec<_>>());
    for (name, bytes) in &made {
        // The bytes themselves would fill the screen.
        assert!(bytes == &shipped[name], "{} differs: see data/demo/README.md", name.display());
    }
}

#[test]
fn the_shipped_model_is_small_and_leaves_a_real_gap() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/model.gguf");
    assert!(fs::metadata(&model).unwrap().len() < 3_000_000);
    let cache = tempfile::tempdir().unwrap();
    let asked = program()
        .args(["eval", "--model", "builtin:demo", "--data", "builtin:demo", "--json"])
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .unwrap();
    assert_code(&asked, 0);
    let report: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let accuracy = report["execution_accuracy"].as_f64().unwrap();
    assert_eq!(report["n"], 540);
    assert!((0.35..=0.65).contains(&accuracy), "{accuracy}");
}
