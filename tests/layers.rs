//! Which parts may use which: the invariants of ARCHITECTURE.md.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// Lines of code, comments aside, below `src/<part>` that name one of `words` as a path.
fn uses(part: &str, words: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part);
    let mut found = Vec::new();
    for file in rust_files(&root) {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            let named = |word: &str| {
                code.match_indices(word).any(|(at, w)| {
                    let before = code[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && code[at + w.len()..].starts_with("::")
                })
            };
            if words.iter().any(|word| named(word)) {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_search_finds_what_it_looks_for() {
    assert!(!uses("cockpit", &["ratatui"]).is_empty());
    assert!(!uses("model", &["burn"]).is_empty());
}

#[test]
fn engine_and_store_import_no_terminal() {
    for part in [
        "sql", "data", "model", "reward", "rl", "sft", "evaluate", "run", "remote", "settings", "bench", "export",
        "doctor",
    ] {
        assert_eq!(uses(part, &["ratatui", "crossterm", "cockpit", "plot"]), Vec::<String>::new());
    }
}

#[test]
fn cockpit_and_plot_import_no_tensors() {
    for part in ["cockpit", "plot", "curve"] {
        assert_eq!(uses(part, &["burn", "model", "rl"]), Vec::<String>::new());
    }
}

#[test]
fn lower_layers_do_not_know_the_trainer() {
    for part in ["sql", "data", "model", "reward", "run", "remote", "settings", "export"] {
        assert_eq!(uses(part, &["rl", "sft", "evaluate", "cli"]), Vec::<String>::new());
    }
}

#[test]
fn the_cockpits_state_and_the_mathematics_of_curves_know_no_widget() {
    for part in ["cockpit/state", "curve"] {
        assert_eq!(uses(part, &["ratatui", "crossterm"]), Vec::<String>::new());
    }
}
