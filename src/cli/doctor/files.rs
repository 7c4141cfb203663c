//! Model and data: there, and readable at least at their beginning.

use std::path::Path;

use super::finding::Finding;
use crate::{
    assets::DEMO,
    cockpit::figures::bytes,
    data::{Place, Split},
    model::{Source, gguf::TensorInfo, locate, locate::is_to_be_fetched},
    settings::Settings,
    sql::DATABASE_FOLDERS,
};

/// The model's file and its header.
pub fn model(settings: &Settings) -> Finding {
    const NAME: &str = "model";
    let Some(wanted) = settings.model.path.as_deref() else {
        return Finding::ok(
            NAME,
            "none is set: the built-in demonstration brings its own, train needs --model FILE.gguf",
        );
    };
    if wanted == DEMO {
        return Finding::ok(NAME, format!("{wanted}: comes with the program"));
    }
    if is_to_be_fetched(wanted) {
        return Finding::warn(
            NAME,
            format!("{wanted}: not on this machine yet"),
            "the first run fetches it from the hub",
        );
    }
    let opened = locate(wanted).and_then(|path| Source::open(&path));
    match opened {
        Ok(source) => {
            let size: usize = source.tensors().iter().map(TensorInfo::byte_len).sum();
            Finding::ok(NAME, format!("{}: {}, its header is sound", source.path().display(), bytes(size as f64)))
        }
        Err(error) => Finding::fail(
            NAME,
            error.to_string(),
            "scripts/get-smollm2 fetches a small model; --set model.path=FILE.gguf names another",
        ),
    }
}

/// The data folder with its questions and databases.
pub fn data(settings: &Settings) -> Finding {
    const NAME: &str = "data";
    let Some(root) = settings.data.root.as_deref() else {
        return Finding::ok(NAME, "none is set: the built-in demonstration brings its own, train needs --data DIR");
    };
    if root == Path::new(DEMO) {
        return Finding::ok(NAME, format!("{DEMO}: comes with the program"));
    }
    let advice = format!(
        "unpack Spider or BIRD there (docs/data.md); `sqlr1-tui data check {}` looks at every entry",
        root.display()
    );
    let mut found = Vec::new();
    for split in Split::ALL {
        match Place::find(root, split, split.file(&settings.data)) {
            Ok(place) => {
                if !DATABASE_FOLDERS.iter().any(|name| place.home.join(name).is_dir()) {
                    return Finding::fail(NAME, format!("{} has no folder of databases", place.home.display()), advice);
                }
                found.push(format!("{split}: {} file(s)", place.files.len()));
            }
            // One can train without held-out questions, but not without others.
            Err(_) if split == Split::Dev => {
                return Finding::warn(NAME, format!("{} has no held-out questions", root.display()), advice);
            }
            Err(error) => return Finding::fail(NAME, error.to_string(), advice),
        }
    }
    Finding::ok(NAME, format!("{}: {}", root.display(), found.join(", ")))
}
