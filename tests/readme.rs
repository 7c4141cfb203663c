//! README.md says what the program does: parts of it are made from the program, and kept so by these tests.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

use std::{fmt::Write, fs, path::Path};

use sqlr1_tui::cockpit::action::{ACTIONS, Chord, Scope};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn key_table() -> String {
    let mut table = "| keys | what they do |\n|---|---|\n".to_owned();
    for action in ACTIONS.iter().filter(|a| a.scope == Scope::Main) {
        let keys: Vec<String> = action.keys.iter().map(|k: &Chord| format!("`{}`", k.label())).collect();
        let _ = writeln!(table, "| {} | {} |", keys.join(" "), action.help);
    }
    table
}

#[test]
fn the_key_table_is_the_registrys() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (start, end) = ("<!-- keys -->\n", "<!-- /keys -->");
    let (before, rest) = readme.split_once(start).unwrap();
    let (found, after) = rest.split_once(end).unwrap();
    let table = key_table();
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, format!("{before}{start}{table}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(found, table, "run UPDATE_README=1 cargo nextest run --release --test readme");
}

#[test]
fn pictures_and_files_that_it_names_are_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut named = 0;
    for (at, _) in readme.match_indices("](") {
        let target = readme[at + 2..].split(')').next().unwrap();
        if !target.contains("://") {
            assert!(root().join(target).is_file(), "{target} is not there");
            named += 1;
        }
    }
    assert!(named >= 2);
}

#[test]
fn shipped_configurations_are_valid() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        sqlr1_tui::settings::Settings::from_file(&path).unwrap_or_else(|e| panic!("{e}"));
        seen += 1;
    }
    assert!(seen > 0);
}
