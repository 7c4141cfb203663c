//! The pictures in `screenshots/` are what the program draws of the stored run beside them.
//!
//! `UPDATE_SCREENSHOTS=1` makes them anew.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers fail as tests do.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{assert_code, program};

/// Name, columns and rows, theme, keys.
const PICTURES: [(&str, &str, &str, &str); 11] = [
    ("cockpit-80x24", "80x24", "night", ""),
    ("cockpit-120x40", "120x40", "night", ""),
    ("cockpit-200x60", "200x60", "night", ""),
    ("day-120x40", "120x40", "day", ""),
    ("rollouts-120x40", "120x40", "night", "2"),
    ("doctor-120x40", "120x40", "night", "3"),
    ("controls-120x40", "120x40", "night", "4"),
    ("model-120x40", "120x40", "night", "6"),
    ("chart-120x40", "120x40", "night", "\t\tz"),
    ("actions-120x40", "120x40", "forest", ":"),
    ("help-120x40", "120x40", "night", "?"),
];

struct Pixels {
    size: (u32, u32),
    bytes: Vec<u8>,
}

fn pixels(path: &Path) -> Pixels {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    Pixels { size: (info.width, info.height), bytes }
}

#[test]
fn the_pictures_are_what_the_program_draws() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let update = std::env::var_os("UPDATE_SCREENSHOTS").is_some();
    let temporary = tempfile::tempdir().unwrap();
    let mut differing = Vec::new();
    for (name, size, theme, keys) in PICTURES {
        let kept = folder.join(name).with_extension("png");
        let drawn = if update { kept.clone() } else { temporary.path().join(name).with_extension("png") };
        let mut command = program();
        command.arg("screenshot").arg(folder.join("demo.jsonl.gz"));
        command.args(["--size", size, "--theme", theme, "--keys", keys, "--out"]).arg(&drawn);
        // No themes of the person who runs the tests.
        command.current_dir(temporary.path()).env("XDG_CONFIG_HOME", temporary.path());
        assert_code(&command.output().unwrap(), 0);
        let (wanted, found) = (pixels(&kept), pixels(&drawn));
        assert_eq!(wanted.size, found.size, "{name}");
        // Outlines of letters are computed in floating point: a processor may round an edge otherwise.
        let off = wanted.bytes.iter().zip(&found.bytes).filter(|(a, b)| a.abs_diff(**b) > 8).count();
        if off * 2000 > wanted.bytes.len() {
            differing.push(name);
        }
    }
    assert!(differing.is_empty(), "{differing:?} look otherwise now; UPDATE_SCREENSHOTS=1 draws them anew");
}
